/**
 * How many partitions a database has: a ledger has a row for each. The first migration decides, and nothing changes it
 * later. It knows no particular ledger.
 */
import type { Ask } from './ask';
import { UnusableDatabase } from './failures';
import { quoted } from './identifiers';

/** The setting that tells migrations how many partitions they make. Generated migrations read it. */
export const PARTITIONS_SETTING = 'persistent_machine.partitions';

/**
 * @param ledgers the names of the ledgers' tables; a table that does not exist yet is left out
 * @returns undefined if there is no ledger yet
 * @throws UnusableDatabase if a ledger has no row, or the ledgers differ
 */
export async function countPartitions(
  ask: Ask,
  schema: string,
  ledgers: readonly string[],
): Promise<number | undefined> {
  const existing = await ask<{ name: string }>(
    `SELECT relname::text AS name FROM pg_class
     WHERE relnamespace = to_regnamespace(quote_ident($1)) AND relname = ANY ($2::text[]) AND relkind IN ('r', 'p')
     ORDER BY relname`,
    [schema, ledgers],
  );
  if (existing.length === 0) return undefined;
  const counts = existing.map(
    ({ name }) =>
      `SELECT '${name}' AS name, count(*)::integer AS rows FROM ${quoted(schema)}.${quoted(name)}`,
  );
  const found = await ask<{ name: string; rows: number }>(counts.join(' UNION ALL '));
  const empty = found.find(({ rows }) => rows === 0);
  if (empty !== undefined) {
    throw new UnusableDatabase(
      `The ledger ${schema}.${empty.name} has no row, so nothing can be recorded. Restore its rows from a backup.`,
    );
  }
  const numbers = new Set(found.map(({ rows }) => rows));
  if (numbers.size > 1) {
    const each = found.map(({ name, rows }) => `${name} has ${rows}`).join(', ');
    throw new UnusableDatabase(
      `The ledgers of the schema ${schema} have different numbers of partitions: ${each}. Run migrations with ` +
        'npm run migration:run, which gives every ledger the same number.',
    );
  }
  return found[0]?.rows;
}

/** @throws UnusableDatabase if PARTITIONS asks for another number than the database has */
export function checkPartitions(wanted: number | undefined, existing: number): void {
  if (wanted === undefined || wanted === existing) return;
  throw new UnusableDatabase(
    `PARTITIONS=${wanted}, but the database has ${existing} ${existing === 1 ? 'partition' : 'partitions'}, and ` +
      'that number never changes: unset PARTITIONS, or begin with an empty database.',
  );
}
