/**
 * Serves an application's built dashboard at `/`, with its content security policy. Does not know what the dashboard
 * shows.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { serveFiles } from './files';

/** A single page with scripts, built to a folder. */
export interface Dashboard {
  readonly folder: string;
  /** The page's own addresses; any other stays the server's to refuse. */
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

/** Serves a dashboard; nothing, where it has not been built. */
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

  for (const view of views) {
    server.get(view, (_request, reply) =>
      reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(page),
    );
  }

  // The build names these files by their content.
  serveFiles(server, { folder: join(folder, 'assets'), prefix: '/assets/' });
}
