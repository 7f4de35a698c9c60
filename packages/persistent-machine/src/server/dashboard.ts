/**
 * Serves an application's built dashboard at `/`, with its content security policy. Does not know what the dashboard
 * shows.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance, FastifyReply } from 'fastify';
import Negotiator from 'negotiator';
import { serveFiles } from './files';

/** A single page with scripts, built to a folder. */
export interface Dashboard {
  readonly folder: string;
  /** The page's own addresses. */
  readonly views: readonly string[];
}

/** `'self'` includes WebSockets. Scripts may set styles on elements, which do not count as inline styles. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function isBuilt({ folder }: Dashboard): boolean {
  return existsSync(join(folder, 'assets'));
}

/**
 * Serves a dashboard if it is built. At an unknown address a browser gets the page, too, with the status 404, and the
 * page says so. Any other client is refused as usual.
 */
export async function dashboard(server: FastifyInstance, built: Dashboard): Promise<void> {
  if (!isBuilt(built)) return;
  const { folder, views } = built;
  const page = await readFile(join(folder, 'index.html'), 'utf8');

  server.addHook('onRequest', (_request, reply, done) => {
    reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
    reply.header('x-content-type-options', 'nosniff');
    reply.header('referrer-policy', 'no-referrer');
    done();
  });

  const send = (reply: FastifyReply): FastifyReply =>
    reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(page);
  for (const view of views) server.get(view, (_request, reply) => send(reply));
  server.get('*', ({ raw }, reply) => {
    const wantsPage =
      new Negotiator(raw).mediaType(['application/json', 'text/html']) === 'text/html';
    if (wantsPage) return send(reply.code(404));
    reply.callNotFound();
    return reply;
  });

  // The build names these files by their content.
  serveFiles(server, { folder: join(folder, 'assets'), prefix: '/assets/' });
}
