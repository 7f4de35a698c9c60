/**
 * Which requests may ask at all, before anything is read of what is asked: none of a page of a foreign origin, and on
 * loopback none by another name than the computer's own. Knows HTTP headers, and nothing of GraphQL.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyBaseLogger } from 'fastify';

/** A request's headers, as far as they say where it comes from. */
interface Headers {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  /** What a browser says of the page that has it ask, also where it names no origin. */
  readonly 'sec-fetch-site'?: string | string[] | undefined;
}

export interface AccessRules {
  /** Whether only this machine can reach us, so that any other name for it is a rebound one. */
  readonly loopback: boolean;
  /** The origins that may ask, beside our own. */
  readonly corsOrigins: readonly string[];
}

const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Tells whether a Host header names a host at all. The same one comes with most requests, and is compared only. */
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
 * @param reads whether nothing is changed, nor held open: a browser then shows no foreign page the answer, which is
 *   protection enough
 * @returns why the request is refused, or undefined where it may go on
 */
export function refusal(headers: Headers, reads: boolean, rules: AccessRules): string | undefined {
  const host = headers.host?.toLowerCase() ?? '';
  // A page whose own name was rebound to 127.0.0.1 sends that name, and to its browser we are its origin.
  if (rules.loopback && !LOOPBACK_NAMES.has(host.replace(/:\d*$/, ''))) {
    return 'This server answers to localhost, 127.0.0.1 and [::1] only.';
  }
  if (!reads && headers.origin !== undefined && !isOurs(headers.origin, host, rules)) {
    return 'Requests from this origin are not accepted.';
  }
  if (!reads && headers.origin === undefined && isOfForeignPage(headers)) {
    return 'Requests from pages of other origins are not accepted.';
  }
  return undefined;
}

/**
 * By host, and by either scheme of the web, since a proxy in front may have ended TLS. A page has no other: `null` is an
 * origin that hides itself, and another scheme is an application's, which may call any host its own.
 */
function isOurs(origin: string, host: string, { corsOrigins }: AccessRules): boolean {
  const itself = origin.toLowerCase();
  return (
    corsOrigins.includes(origin) || itself === `http://${host}` || itself === `https://${host}`
  );
}

/** A page may ask without saying where it is from, by GET, and is then shown nothing; its browser says so instead. */
function isOfForeignPage({ 'sec-fetch-site': site }: Headers): boolean {
  return site === 'cross-site' || site === 'same-site';
}

/** The headers by which a proxy says whom it asks for. */
const PROXY_HEADERS = ['x-forwarded-for', 'forwarded', 'x-real-ip'];

/**
 * For a server that asks for no token: warns at once where others can reach it. A name that was rebound to it
 * cannot be told from its own there, since only its users know what they call it.
 *
 * @returns what is to be called with the headers of each request, and warns of the first that a proxy passed on
 */
export function warnOfOpenness(
  log: FastifyBaseLogger,
  { loopback }: Pick<AccessRules, 'loopback'>,
): (headers: IncomingHttpHeaders) => void {
  if (!loopback) {
    log.warn(
      'AUTH is off beyond loopback: every client that reaches this server may ask, and so may any web page that a browser there opens, by a name that its author rebinds to this address (DNS rebinding).',
    );
  }
  let warned = false;
  return (headers) => {
    if (warned || !PROXY_HEADERS.some((name) => headers[name] !== undefined)) return;
    warned = true;
    log.warn(
      'A request came through a proxy, and AUTH is off: every client that reaches the proxy may ask.',
    );
  };
}
