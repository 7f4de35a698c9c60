/** The partition of an id in SQL, written independently of the code under test. */

/**
 * @param id an SQL expression
 * @returns an SQL expression for a database with any number of partitions
 */
export function partitionOf(id: string): string {
  return `('x' || left(md5(${id}::text), 7))::bit(28)::integer % (SELECT count(*)::integer FROM ledger)`;
}
