/**
 * Owns what a browser gets at `/`: an application's dashboard, as it was built, and the policy that it keeps to.
 * It deliberately does not know what the dashboard shows, nor that it asks `/graphql`.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance, FastifyReply } from 'fastify';
import Negotiator from 'negotiator';
import { serveFiles } from './files';

/** A dashboard: one page with scripts, built to a folder. */
export interface Dashboard {
  readonly folder: string;
  /** The page's own addresses. */
  readonly views: readonly string[];
}

/** `'self'` is the socket's origin, too. Styles are set by script on elements, which is no inline style. */
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

/**
 * Serves a dashboard; nothing, where it has not been built. A browser gets its page at an address where nothing is,
 * too: with the status 404, and the page says so. Any other client is refused as ever.
 */
export async function dashboard(
  server: FastifyInstance,
  { folder, views }: Dashboard,
): Promise<void> {
  if (!existsSync(join(folder, 'assets'))) return;
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

  // Named by their contents. What is not there is refused as any other address is.
  serveFiles(server, { folder: join(folder, 'assets'), prefix: '/assets/' });
}
