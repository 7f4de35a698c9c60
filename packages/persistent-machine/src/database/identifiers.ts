/** Names of things in a database as SQL has them, whatever is in a name. Knows none of the names. */

/** @returns the name quoted, so that it means this thing and nothing else */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
