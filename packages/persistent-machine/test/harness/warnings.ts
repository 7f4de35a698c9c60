/** What a server warns of that has a cause, on however slow a machine. Knows the one warning that tells of slowness alone. */

type Line = Record<string, unknown>;

/** Where the first look at the database takes longer than a second, as it may on a busy machine. */
const SLOW = 'Waiting for the database: it has not answered yet';

/** @returns the lines of a server's log that are warnings or worse, but for that one */
export function warningsOf({ logs }: { readonly logs: readonly Line[] }): Line[] {
  return logs.filter(({ level, msg }) => Number(level) > 30 && !String(msg).startsWith(SLOW));
}
