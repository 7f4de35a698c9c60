/**
 * Who may ask at all, before anything is read of what is asked: no page of a foreign origin, and on loopback
 * no name but the machine's own. Knows HTTP headers, and nothing of GraphQL.
 */

/** A request's headers, as far as they say where it comes from. */
interface Headers {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
}

export interface AccessRules {
  /** Whether only this machine can reach us, so that any other name for it is a rebound one. */
  readonly loopback: boolean;
  /** The origins that may ask, beside our own. */
  readonly corsOrigins: readonly string[];
}

const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * @param reads whether the method is one by which nothing is changed: a browser then shows no foreign page
 *   the answer, which is protection enough
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
