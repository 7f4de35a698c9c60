/**
 * Refuses requests that are not UTF-8: decoding with replacement characters could make two different idempotency keys
 * equal. Does not know what the text means.
 */
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Refuses bodies that are not UTF-8, or that claim another charset. */
export function requireUtf8Bodies(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser<Buffer>(
    'application/json',
    { parseAs: 'buffer' },
    (request, body, done) => {
      if (!saysUtf8(request.headers['content-type'])) {
        done(badRequest('The charset of a request must be UTF-8.'));
      } else if (!isUtf8(body)) done(badRequest('The body is not UTF-8.'));
      // The type allows a promise, but this parser calls back.
      else void parse(request, body.toString(), done);
    },
  );
}

/** Whether the percent-encoding of a query string is UTF-8. Node's parser refuses all other non-ASCII. */
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

/** Clients send a `charset`, although JSON has no such parameter. */
function saysUtf8(contentType = ''): boolean {
  // Most clients send no parameter, and a pattern costs more than the rest of this check.
  if (!contentType.includes(';')) return true;
  return [...contentType.matchAll(/;\s*charset\s*=\s*"?([^";\s]*)/gi)].every(([, charset = '']) =>
    /^utf-?8$/i.test(charset),
  );
}

function badRequest(message: string): Error {
  return Object.assign(new Error(message), { statusCode: 400 });
}
