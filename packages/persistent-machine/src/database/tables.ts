/**
 * Checks whether the tables can be created, and whether they exist and may be used: at start, and later until a missing
 * table is back. It knows no particular table.
 */
import type { Ask } from './ask';
import { DatabaseNotReady, UnusableDatabase } from './failures';
import type { Installation } from './preconditions';
import { NAME_THE_SCHEMA } from './schemas';
import { strayFunctions } from './strayFunctions';

/** The columns and rights that our statements need. */
export interface TableNeeds {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rights: readonly ('SELECT' | 'INSERT' | 'UPDATE')[];
}

/** @throws UnusableDatabase if the migrations cannot run in the schema */
export async function checkMayMigrate(
  ask: Ask,
  { schema, isEmpty }: Pick<Installation, 'schema' | 'isEmpty'>,
  tables: readonly string[],
): Promise<void> {
  const [found] = await ask<{ role: string; mayCreate: boolean; taken: readonly string[] }>(
    `SELECT current_user::text AS role,
            has_schema_privilege(namespace.oid, 'CREATE') AS "mayCreate",
            ARRAY(
              SELECT relname::text FROM pg_class
              WHERE relnamespace = namespace.oid AND relname = ANY ($2::text[]) ORDER BY relname
            ) AS taken
     FROM pg_namespace AS namespace WHERE nspname = $1`,
    [schema, tables],
  );
  if (found?.mayCreate !== true) {
    throw new UnusableDatabase(
      `The role ${found?.role ?? ''} may not create tables in the schema ${schema}: GRANT CREATE ON SCHEMA ` +
        `${schema} to it, or create a schema with CREATE SCHEMA … AUTHORIZATION, and ${NAME_THE_SCHEMA}.`,
    );
  }
  if (isEmpty && found.taken.length > 0) {
    throw new UnusableDatabase(
      `The schema ${schema} has tables of another application under names that this one needs ` +
        `(${found.taken.join(', ')}): create a schema for this one, and ${NAME_THE_SCHEMA}.`,
    );
  }
}

const NEEDS = `
SELECT wanted.name,
       relation.oid IS NULL AS "isMissing",
       current_user::text AS role,
       ARRAY(
         SELECT wish FROM unnest(wanted.columns) AS wish
         WHERE NOT EXISTS (
           SELECT FROM pg_attribute
           WHERE attrelid = relation.oid AND attname = wish AND NOT attisdropped
         )
       ) AS columns,
       ARRAY(
         SELECT wish FROM unnest(wanted.rights) AS wish
         WHERE NOT (has_schema_privilege(relnamespace, 'USAGE') AND has_table_privilege(relation.oid, wish))
       ) AS rights
FROM jsonb_to_recordset($2::jsonb) AS wanted (name text, columns text[], rights text[])
LEFT JOIN (
  SELECT pg_class.oid, relname, relnamespace FROM pg_class
  JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE nspname = $1 AND relkind IN ('r', 'p')
) AS relation ON relname = wanted.name`;

/**
 * @throws DatabaseNotReady if a table or column is missing; UnusableDatabase if the role may not use a table, or
 *   triggers use the old name of a renamed schema
 */
export async function checkTables(
  ask: Ask,
  schema: string,
  needs: readonly TableNeeds[],
): Promise<void> {
  const found = await ask<{
    name: string;
    isMissing: boolean;
    role: string;
    columns: readonly string[];
    rights: readonly string[];
  }>(NEEDS, [schema, JSON.stringify(needs)]);
  for (const { name, isMissing, columns } of found) {
    if (isMissing) throw new DatabaseNotReady(`the table ${schema}.${name} does not exist`);
    if (columns.length > 0) {
      throw new DatabaseNotReady(`the table ${schema}.${name} lacks ${columns.join(', ')}`);
    }
  }
  for (const { name, role, rights } of found) {
    if (rights.length > 0) {
      throw new UnusableDatabase(
        `The role ${role} may not use the table ${schema}.${name}: GRANT USAGE on the schema and ` +
          `${rights.join(', ')} on the table to it.`,
      );
    }
  }
  const astray = await strayFunctions(
    ask,
    schema,
    needs.map(({ name }) => name),
  );
  if (astray.length > 0) {
    throw new UnusableDatabase(
      `The schema ${schema} was renamed, but the triggers of its tables still use the old name. Correct their functions ` +
        'with npm run migration:run.',
    );
  }
}
