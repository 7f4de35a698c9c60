/** A server of the real application for a test, in the test's own process, on a free port. */
import pino from 'pino';
import { type Served, startApplication } from 'persistent-machine/application';
import { served } from '../../src/application';
import { readConfiguration } from 'persistent-machine/config';
import { type TestDatabase, createTestDatabase } from './postgres';
import { serializers } from 'persistent-machine/log';
import { startInTopology } from './topology';

export interface TestServer {
  /** Without a path: `http://127.0.0.1:…`. */
  readonly url: string;
  /** What it has logged, as parsed lines. */
  readonly logs: readonly Record<string, unknown>[];
  /** Its database, when it was made for this server. */
  readonly database: TestDatabase | undefined;
  /** Stops it, and drops its database when that was made for it. */
  stop(): Promise<void>;
}

/** On a machine that is busy with something else, what takes milliseconds may take seconds. */
const PATIENCE = { REQUEST_TIMEOUT_MS: '60000', SHUTDOWN_GRACE_MS: '60000' };

/**
 * @param environment variables as a user would set them; without DATABASE_URL a database is made
 * @param application what is served; left out: lives
 */
export async function startServer(
  environment: Record<string, string> = {},
  application: Served = served,
): Promise<TestServer> {
  const database =
    environment['DATABASE_URL'] === undefined
      ? await (application === served ? createTestDatabase() : createTestDatabase(null))
      : undefined;
  const logs: Record<string, unknown>[] = [];
  const given = {
    PORT: '0',
    ...PATIENCE,
    ...(database ? { DATABASE_URL: database.url } : {}),
    ...environment,
  };
  const log = pino(
    { level: readConfiguration(given).logLevel, serializers },
    {
      // pino writes JSON objects, one a line.
      write: (line) => logs.push(JSON.parse(line) as Record<string, unknown>),
    },
  );
  const running = await startInTopology(given, async (inTopology) =>
    startApplication(application, readConfiguration(inTopology), log),
  );
  return {
    url: running.url,
    logs,
    database,
    stop: async () => {
      await running.stop();
      await database?.drop();
    },
  };
}
