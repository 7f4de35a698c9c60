/**
 * Refuses requests from web pages of foreign origins, and on loopback those under a name other than the computer's own.
 * Knows HTTP headers, and no GraphQL.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyBaseLogger } from 'fastify';

/** The headers that say where a request comes from. */
interface Headers {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  /** The relation of the page to the server, which browsers send even without an origin. */
  readonly 'sec-fetch-site'?: string | string[] | undefined;
}

export interface AccessRules {
  /** Whether the server listens on loopback only. A foreign name in `Host` is then a rebound one. */
  readonly loopback: boolean;
  /** Origins whose pages may send requests, beside the server's own. */
  readonly corsOrigins: readonly string[];
}

const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

/** @returns a check whether a Host header is valid. It caches the last value, which most requests share. */
export function hostRule(): (host: string) => boolean {
  let known: string | undefined;
  return (host) => {
    if (host === known) return true;
    if (!URL.canParse(`http://${host}/`)) return false;
    known = host;
    return true;
  };
}

/**
 * @param reads whether the request changes nothing and holds nothing open. For such a request it is enough that the
 *   browser hides the answer from a foreign page.
 * @returns why the request is refused; undefined if it is not
 */
export function refusal(headers: Headers, reads: boolean, rules: AccessRules): string | undefined {
  const host = headers.host?.toLowerCase() ?? '';
  // DNS rebinding: an attacker's name resolves to 127.0.0.1, and for the browser this server is the page's own origin.
  if (rules.loopback && !LOOPBACK_NAMES.has(host.replace(/:\d*$/, ''))) {
    return 'This server answers to localhost, 127.0.0.1 and [::1] only.';
  }
  if (!reads && headers.origin !== undefined && !isOurs(headers.origin, host, rules)) {
    return 'Requests from this origin are not accepted. CORS_ORIGINS lists the origins that are.';
  }
  if (!reads && headers.origin === undefined && isOfForeignPage(headers)) {
    return 'Requests from pages of other origins are not accepted.';
  }
  return undefined;
}

/**
 * Compares hosts, and allows both http and https, because a proxy in front may have ended TLS. Refuses the origin
 * `null`, and other schemes: a native application may claim any host.
 */
function isOurs(origin: string, host: string, { corsOrigins }: AccessRules): boolean {
  const itself = origin.toLowerCase();
  return (
    corsOrigins.includes(origin) || itself === `http://${host}` || itself === `https://${host}`
  );
}

/** A browser sends no origin with a page's simple GET, but says whether the page is foreign. */
function isOfForeignPage({ 'sec-fetch-site': site }: Headers): boolean {
  return site === 'cross-site' || site === 'same-site';
}

/** The headers in which a proxy names its client. */
const PROXY_HEADERS = ['x-forwarded-for', 'forwarded', 'x-real-ip'];

/**
 * For a server without tokens: warns at once if other computers can reach it. Such a server cannot detect DNS
 * rebinding, because it does not know its own names.
 *
 * @returns a function for the headers of each request, which warns of the first request from a proxy
 */
export function warnOfOpenness(
  log: FastifyBaseLogger,
  { loopback }: Pick<AccessRules, 'loopback'>,
): (headers: IncomingHttpHeaders) => void {
  if (!loopback) {
    log.warn(
      'AUTH is off beyond loopback: every client that reaches this server may read and write. So may any web page in a browser that reaches it, by DNS rebinding.',
    );
  }
  let warned = false;
  return (headers) => {
    if (warned || !PROXY_HEADERS.some((name) => headers[name] !== undefined)) return;
    warned = true;
    log.warn(
      'A request came through a proxy, and AUTH is off: every client that reaches the proxy may read and write.',
    );
  };
}
