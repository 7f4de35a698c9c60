/**
 * Serves files that do not change while the process runs, from memory: a request needs neither a descriptor nor the
 * disk. Does not know their content.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyInstance, FastifyReply } from 'fastify';
import Negotiator from 'negotiator';

/** Content types by file extension. */
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/vnd.microsoft.icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
};

/** The extension of a compressed copy, which lies beside the file. */
const COMPRESSED = '.gz';

interface StoredFile {
  readonly type: string;
  readonly content: Buffer;
  readonly etag: string;
  readonly compressed: { readonly content: Buffer; readonly etag: string } | undefined;
}

export interface Files {
  /** The path of the folder. */
  readonly folder: string;
  /** The beginning of their URLs. It ends with a slash. */
  readonly prefix: string;
  /** Whether to serve a file, by its path below the folder. By default all are served. */
  readonly isServed?: (path: string) => boolean;
}

/** Serves files that browsers may cache for good, because a changed file has another URL. */
export function serveFiles(
  server: FastifyInstance,
  { folder, prefix, isServed = () => true }: Files,
): void {
  const files = read(folder);
  server.get<{ Params: { '*': string } }>(`${prefix}*`, (request, reply) => {
    const path = request.params['*'];
    const file = isServed(path) ? files.get(path) : undefined;
    if (file === undefined) {
      reply.callNotFound();
      return reply;
    }
    return send(reply, file, new Negotiator(request.raw), request.headers['if-none-match']);
  });
}

function send(
  reply: FastifyReply,
  file: StoredFile,
  negotiator: Negotiator,
  known: string | undefined,
): FastifyReply {
  reply.header('cache-control', 'public, max-age=31536000, immutable');
  const { compressed, type } = file;
  let sent: { readonly content: Buffer; readonly etag: string } = file;
  if (compressed) {
    reply.header('vary', 'accept-encoding');
    if (negotiator.encoding(['gzip', 'identity']) === 'gzip') {
      reply.header('content-encoding', 'gzip');
      sent = compressed;
    }
  }
  reply.header('etag', sent.etag);
  // `If-None-Match` is a list, and is compared weakly: RFC 9110, section 13.1.2.
  const isKnown = known?.split(',').some((each) => {
    const tag = each.trim().replace(/^W\//, '');
    return tag === '*' || tag === sent.etag;
  });
  if (isKnown === true) return reply.code(304).removeHeader('content-encoding').send();
  return reply.type(type).send(sent.content);
}

const folders = new Map<string, ReadonlyMap<string, StoredFile>>();

/** Reads each folder once per process. */
function read(folder: string): ReadonlyMap<string, StoredFile> {
  const known = folders.get(folder);
  if (known) return known;
  const contents = new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        const name = path.slice(folder.length + 1).replaceAll('\\', '/');
        const content = readFileSync(path);
        const hash = createHash('sha256').update(content).digest('base64url');
        return [name, { content, etag: `"${hash.slice(0, 22)}"` }] as const;
      }),
  );
  const files = new Map<string, StoredFile>();
  for (const [name, file] of contents) {
    if (name.endsWith(COMPRESSED)) continue;
    const type = TYPES[extname(name)] ?? 'application/octet-stream';
    files.set(name, { ...file, type, compressed: contents.get(name + COMPRESSED) });
  }
  folders.set(folder, files);
  return files;
}
