/**
 * Reads the warnings of a server's log that have a cause on any machine. Leaves out the one that only says that the
 * machine is slow.
 */

type Line = Record<string, unknown>;

/** Logged when the first look at the database takes longer than a second, as it may on a busy machine. */
const SLOW = 'Waiting for the database: it has not answered yet';

/** @returns the lines of a server's log that are warnings or worse, without that one */
export function warningsOf({ logs }: { readonly logs: readonly Line[] }): Line[] {
  return logs.filter(({ level, msg }) => Number(level) > 30 && !String(msg).startsWith(SLOW));
}
