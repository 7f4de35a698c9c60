/**
 * Owns what a browser gets at `/`: the dashboard that was built from `web/`, and the policy that it lives by.
 * It deliberately does not know what the dashboard shows, nor that it asks `/graphql`.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { serveFiles } from './files';

/** The dashboard's own addresses, as `web/src/App.tsx` has them; any other stays ours to refuse. */
const VIEWS = ['/', '/lives', '/lives/:id'];

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

/** Where it is built to, as seen from the sources, and from what they are compiled to. */
const FOLDERS = ['../../dist/web', '../../web'].map((path) => join(__dirname, path));

/** Serves the dashboard; nothing, where it has not been built. */
export async function dashboard(server: FastifyInstance): Promise<void> {
  const folder = FOLDERS.find((each) => existsSync(join(each, 'assets')));
  if (folder === undefined) return;
  const page = await readFile(join(folder, 'index.html'), 'utf8');

  server.addHook('onRequest', (_request, reply, done) => {
    reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
    reply.header('x-content-type-options', 'nosniff');
    reply.header('referrer-policy', 'no-referrer');
    done();
  });

  for (const view of VIEWS) {
    server.get(view, (_request, reply) =>
      reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(page),
    );
  }

  // Named by their contents. What is not there is refused as any other address is.
  serveFiles(server, { folder: join(folder, 'assets'), prefix: '/assets/' });
}
