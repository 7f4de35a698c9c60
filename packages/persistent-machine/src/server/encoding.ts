/**
 * Owns that what a client sends is UTF-8, and refuses anything else. Decoded with replacements, two different
 * idempotency keys would become one. It deliberately does not know what the text is.
 */
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Has bodies refused that are not UTF-8, or that say so. */
export function requireUtf8Bodies(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser<Buffer>(
    'application/json',
    { parseAs: 'buffer' },
    (request, body, done) => {
      if (!saysUtf8(request.headers['content-type'])) {
        done(badRequest('The charset of a request is UTF-8.'));
      } else if (!isUtf8(body)) done(badRequest('The body is not UTF-8.'));
      // Typed as if it might return a promise; it calls back.
      else void parse(request, body.toString(), done);
    },
  );
}

/** Whether what a query string says in percent signs is UTF-8. Node's parser has refused all that is not ASCII. */
export function isQueryUtf8({ url }: FastifyRequest): boolean {
  const start = url.indexOf('?');
  if (start < 0 || !url.includes('%', start)) return true;
  try {
    decodeURIComponent(url.slice(start + 1));
    return true;
  } catch {
    return false;
  }
}

/** JSON has no parameter `charset`, but clients send it. */
function saysUtf8(contentType = ''): boolean {
  // Most say nothing of it, and a pattern costs more than the rest of this.
  if (!contentType.includes(';')) return true;
  return [...contentType.matchAll(/;\s*charset\s*=\s*"?([^";\s]*)/gi)].every(([, charset = '']) =>
    /^utf-?8$/i.test(charset),
  );
}

function badRequest(message: string): Error {
  return Object.assign(new Error(message), { statusCode: 400 });
}
