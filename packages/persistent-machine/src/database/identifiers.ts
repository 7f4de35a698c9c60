/** Quotes names for SQL. It knows no particular name. */

/** Quotes a name in any case, so that SQL takes it literally. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
