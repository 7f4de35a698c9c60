/**
 * In which schema of a database the tables are, or are to be made. Is given the names of migrations, and knows none of
 * them.
 */
import type { Ask } from './ask';
import { UnusableDatabase } from './failures';
import { quoted } from './identifiers';

/** How a person says where the tables are, for the end of a sentence. */
export const SAY_SCHEMA = 'name one schema by options=-c%20search_path%3Dname in DATABASE_URL';

/** Where a session looks for names that have no schema. */
interface SearchPath {
  readonly role: string;
  /** The schemas of the search path that there are, the first one first. */
  readonly path: readonly string[];
  /** Whether the URL names the search path, rather than the role or the database. */
  readonly isPathSaid: boolean;
}

interface Candidate {
  readonly schema: string;
  readonly isTypeOrms: boolean;
  readonly isReadable: boolean;
}

/** Tables named as TypeORM's, in which it keeps what was migrated: in the search path, or elsewhere and ours. */
const CANDIDATES = `
SELECT nspname::text AS schema,
       (SELECT count(*) = 2 FROM pg_attribute
        WHERE attrelid = relation.oid AND attname IN ('name', 'timestamp') AND NOT attisdropped) AS "isTypeOrms",
       has_schema_privilege(namespace.oid, 'USAGE')
         AND has_table_privilege(relation.oid, 'SELECT') AS "isReadable"
FROM pg_class AS relation
JOIN pg_namespace AS namespace ON namespace.oid = relnamespace
WHERE relname = 'migrations' AND relkind IN ('r', 'p')
  AND (nspname = ANY ($1::text[]) OR pg_get_userbyid(relowner) = current_user)
ORDER BY array_position($1::text[], nspname::text), nspname`;

/**
 * By where the migrations were made, and not by the first schema of the search path: that one may have been made
 * since, as one that is named like the role, or the path may be another one since.
 */
export async function findSchema(
  ask: Ask,
  searchPath: SearchPath,
  migrations: readonly string[],
): Promise<{ schema: string; names: readonly string[] }> {
  const { path, isPathSaid } = searchPath;
  const candidates = await ask<Candidate>(CANDIDATES, [path]);
  const known = new Set(migrations);
  const found = new Map<string, readonly string[]>();
  const others = new Map<string, readonly string[]>();
  for (const { schema } of candidates.filter((each) => each.isTypeOrms && each.isReadable)) {
    const rows = await ask<{ name: string }>(
      `SELECT name::text AS name FROM ${quoted(schema)}.migrations ORDER BY id`,
    );
    const names = rows.map(({ name }) => name);
    (names.some((name) => known.has(name)) ? found : others).set(schema, names);
  }
  const inPath = [...found.keys()].filter((schema) => path.includes(schema));
  const elsewhere = isPathSaid ? [] : [...found.keys()].filter((schema) => !path.includes(schema));
  const [chosen, ...rivals] = inPath.length > 0 ? inPath : elsewhere;
  if (rivals.length > 0) {
    throw new UnusableDatabase(
      `There are tables of this application in several schemas, ${[chosen, ...rivals].join(' and ')}: ${SAY_SCHEMA}.`,
    );
  }
  if (chosen !== undefined) return { schema: chosen, names: found.get(chosen) ?? [] };
  const schema = schemaForTables(searchPath, candidates);
  return { schema, names: others.get(schema) ?? [] };
}

/**
 * @returns in which the tables are to be made
 * @throws UnusableDatabase where they cannot be made in any
 */
function schemaForTables({ path, role }: SearchPath, candidates: readonly Candidate[]): string {
  const closed = candidates.find(({ schema, isReadable }) => !isReadable && path.includes(schema));
  if (closed !== undefined) {
    throw new UnusableDatabase(
      `The role ${role} may not read the table migrations of the schema ${closed.schema}: GRANT USAGE on the ` +
        'schema and SELECT on that table to it.',
    );
  }
  const [first] = path;
  if (first !== undefined && /[".]/.test(first)) {
    throw new UnusableDatabase(
      `The schema ${first} has a quotation mark or a dot in its name, with which TypeORM finds no table: ${SAY_SCHEMA}.`,
    );
  }
  if (first === undefined) {
    throw new UnusableDatabase(
      `No schema of the search path of the role ${role} exists: make one with CREATE SCHEMA, or ${SAY_SCHEMA}.`,
    );
  }
  if (candidates.some(({ schema, isTypeOrms }) => schema === first && !isTypeOrms)) {
    throw new UnusableDatabase(
      `The schema ${first} has a table migrations that belongs to another tool: make a schema for this ` +
        `application, and ${SAY_SCHEMA}.`,
    );
  }
  return first;
}
