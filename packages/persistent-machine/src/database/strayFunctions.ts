/**
 * Finds the functions of triggers that still use the old name of a renamed schema. It knows no particular table.
 */
import type { Ask } from './ask';
import { quoted } from './identifiers';

/** A pattern for how a function names a table: after FROM or JOIN, with its schema. */
function naming(tables: readonly string[]): string {
  const names = tables.map((name) => `(?:${name}|${quoted(name)})`).join('|');
  return `\\y(FROM|JOIN)(\\s+)("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)\\.(?=(?:${names})\\y)`;
}

/** @returns the corrected definitions of the trigger functions that name one of the tables in another schema */
export async function strayFunctions(
  ask: Ask,
  schema: string,
  tables: readonly string[],
): Promise<string[]> {
  const rows = await ask<{ definition: string }>(
    `SELECT DISTINCT regexp_replace(pg_get_functiondef(routine.oid), $3,
              '\\1\\2' || replace(quote_ident($1), '\\', '\\\\') || '.', 'gi') AS definition
     FROM pg_trigger
     JOIN pg_class AS relation ON relation.oid = tgrelid
     JOIN pg_proc AS routine ON routine.oid = tgfoid
     WHERE relnamespace = to_regnamespace(quote_ident($1)) AND relname = ANY ($2::text[]) AND NOT tgisinternal
       AND EXISTS (
         SELECT FROM regexp_matches(prosrc, $3, 'gi') AS named
         WHERE named[3] <> quote_ident($1) AND named[3] <> '"' || replace($1, '"', '""') || '"'
       )`,
    [schema, tables, naming(tables)],
  );
  return rows.map(({ definition }) => definition);
}
