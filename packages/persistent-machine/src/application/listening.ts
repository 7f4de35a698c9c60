/** The address at which the application listens: tests it before the start, and announces it. Does not know what is served. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Configuration } from '../config';
import { StartError } from './errors';

type Place = Pick<Configuration, 'host' | 'port'>;

/**
 * Listens for a moment, so that a start that cannot listen neither creates nor migrates a database.
 *
 * @throws StartError
 */
export async function tryToListen(place: Place): Promise<void> {
  const probe = createServer().listen(place.port, place.host);
  await listening(once(probe, 'listening'), place);
  probe.close();
  await once(probe, 'close');
}

/** @throws StartError, which names HOST and PORT, if the server cannot listen there */
export async function listening<T>(starting: Promise<T>, { host, port }: Place): Promise<T> {
  try {
    return await starting;
  } catch (error) {
    throw new StartError(sentenceOf(error, host, port), { cause: error });
  }
}

function sentenceOf(error: unknown, host: string, port: number): string {
  const { code, message } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  if (code === 'EADDRINUSE') {
    return `Port ${port} of ${host} is in use by another process. End that process, or set PORT to another port.`;
  }
  return `The server cannot listen on HOST=${host}, PORT=${port}: ${message ?? String(error)}`;
}

/**
 * The line of the log that announces the server.
 *
 * @param url without a path
 * @param offers what a browser finds there
 */
export function announcement(
  url: string,
  offers: { readonly dashboard: boolean; readonly playground: boolean },
): string {
  const dashboard = offers.dashboard ? `the dashboard at ${url}/, ` : '';
  const api = offers.playground ? 'the API and its playground' : 'the API';
  return `Ready: ${dashboard}${api} at ${url}/graphql`;
}
