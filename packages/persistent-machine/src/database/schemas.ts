/**
 * Finds the schema where the tables are, or where they can be created. It knows no particular migration.
 */
import type { Ask } from './ask';
import { UnusableDatabase } from './failures';
import { quoted } from './identifiers';

/** How the operator chooses the schema, for the end of a sentence. */
export const NAME_THE_SCHEMA = 'name one schema by options=-c%20search_path%3Dname in DATABASE_URL';

/** The search path of a session. */
interface SearchPath {
  readonly role: string;
  /** The existing schemas of the search path, in its order. */
  readonly path: readonly string[];
  /** Whether the search path comes from the URL, not from the role or the database. */
  readonly isPathInUrl: boolean;
}

interface Candidate {
  readonly schema: string;
  readonly isTypeOrms: boolean;
  readonly isReadable: boolean;
}

/** Tables with the name of TypeORM's table of migrations, in the search path, or elsewhere if the role owns them. */
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
 * Finds the schema by its migrations, not by the search path: since then, an operator may have changed the path, or
 * created a schema that comes first in it, such as one with the role's name.
 */
export async function findSchema(
  ask: Ask,
  searchPath: SearchPath,
  migrations: readonly string[],
): Promise<{ schema: string; names: readonly string[] }> {
  const { path, isPathInUrl } = searchPath;
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
  const elsewhere = isPathInUrl ? [] : [...found.keys()].filter((schema) => !path.includes(schema));
  const [chosen, ...rivals] = inPath.length > 0 ? inPath : elsewhere;
  if (rivals.length > 0) {
    throw new UnusableDatabase(
      `Several schemas have tables of this application, ${[chosen, ...rivals].join(' and ')}: ${NAME_THE_SCHEMA}.`,
    );
  }
  if (chosen !== undefined) return { schema: chosen, names: found.get(chosen) ?? [] };
  const schema = schemaForTables(searchPath, candidates);
  return { schema, names: others.get(schema) ?? [] };
}

/**
 * @returns the schema in which the tables will be created
 * @throws UnusableDatabase if there is none
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
      `The name of the schema ${first} has a quotation mark or a dot, which TypeORM cannot handle: ${NAME_THE_SCHEMA}.`,
    );
  }
  if (first === undefined) {
    throw new UnusableDatabase(
      `No schema in the search path of the role ${role} exists: create one with CREATE SCHEMA, or ${NAME_THE_SCHEMA}.`,
    );
  }
  if (candidates.some(({ schema, isTypeOrms }) => schema === first && !isTypeOrms)) {
    throw new UnusableDatabase(
      `The schema ${first} has a table migrations that belongs to another tool: create a schema for this ` +
        `application, and ${NAME_THE_SCHEMA}.`,
    );
  }
  return first;
}
