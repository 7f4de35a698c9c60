/**
 * What a database must be for us to work with it: the one list, looked through at the start and, while something
 * is wrong, again before we say that we are ready. What a person must mend is an UnusableDatabase, what may pass a
 * DatabaseNotReady, each told in a sentence. Is given the names of migrations and tables, and knows none of them.
 */
import { DatabaseNotReady, UnusableDatabase } from './failures';
import { quoted } from './identifiers';
import { WRONG_SETTINGS } from './settings';
import { checkVersion } from './version';

/** Sends a statement outside any transaction. */
export type Ask = <Row extends object>(text: string, values?: readonly unknown[]) => Promise<Row[]>;

export interface Expectations {
  /** The names of all migrations that this build knows. */
  readonly migrations: readonly string[];
  /** false: through this pooler no setting can be said, and those that matter are looked at. */
  readonly settingsAreSaid: boolean;
  readonly warn: (message: string) => void;
}

/** What was found in a database that can be used. */
export interface Installation {
  readonly database: string;
  /** Where the tables are, or are to be. */
  readonly schema: string;
  /** The known migrations that it does not have yet. */
  readonly pending: readonly string[];
  /** Whether it has none of them: the tables are yet to be made. */
  readonly isEmpty: boolean;
}

/** What our statements need of a table. */
export interface TableNeeds {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rights: readonly ('SELECT' | 'INSERT' | 'UPDATE')[];
}

/** How a person says where the tables are, for the end of a sentence. */
const SAY_SCHEMA = 'name one schema by options=-c%20search_path%3Dname in DATABASE_URL';

interface Facts {
  readonly number: number;
  readonly version: string;
  readonly encoding: string;
  readonly isStandby: boolean;
  readonly isReadOnly: boolean;
  readonly replicationRole: string;
  readonly database: string;
  readonly role: string;
  /** The schemas of the search path that there are, the first one first. */
  readonly path: readonly string[];
  /** Whether the URL names the search path, rather than the role or the database. */
  readonly isPathSaid: boolean;
}

const FACTS = `
SELECT current_setting('server_version_num')::integer AS number,
       current_setting('server_version') AS version,
       current_setting('server_encoding') AS encoding,
       pg_is_in_recovery() AS "isStandby",
       current_setting('transaction_read_only') = 'on' AS "isReadOnly",
       current_setting('session_replication_role') AS "replicationRole",
       current_database()::text AS database,
       current_user::text AS role,
       current_schemas(false)::text[] AS path,
       (SELECT source = 'client' FROM pg_settings WHERE name = 'search_path') AS "isPathSaid"`;

/**
 * @returns where the tables are, or are to be made
 * @throws UnusableDatabase, DatabaseNotReady
 */
export async function inspect(ask: Ask, expected: Expectations): Promise<Installation> {
  const [facts] = await ask<Facts>(FACTS);
  if (facts === undefined) throw new DatabaseNotReady('it gives no answer');
  checkVersion(facts, expected.warn);
  if (facts.encoding !== 'UTF8') {
    throw new UnusableDatabase(
      `The database ${facts.database} has the encoding ${facts.encoding}, in which not every text can be kept: ` +
        'make one with CREATE DATABASE … ENCODING UTF8 TEMPLATE template0, and name it in DATABASE_URL.',
    );
  }
  if (facts.replicationRole !== 'origin') {
    throw new UnusableDatabase(
      `The role ${facts.role} or the database ${facts.database} has session_replication_role = ` +
        `${facts.replicationRole}, with which no trigger guards the tables: ALTER ROLE or ALTER DATABASE … RESET it.`,
    );
  }
  if (!expected.settingsAreSaid) await checkSettings(ask, facts);
  if (facts.isStandby) {
    throw new DatabaseNotReady(
      'it is a standby, which takes no changes, and DATABASE_URL must name the primary',
    );
  }
  if (facts.isReadOnly) {
    throw new DatabaseNotReady('it takes no changes, since default_transaction_read_only is on');
  }
  const { schema, names } = await findSchema(ask, facts, expected.migrations);
  const known = new Set(expected.migrations);
  const unknown = names.filter((name) => !known.has(name));
  if (names.length > unknown.length && unknown.length > 0) {
    // So that of a rolling deployment the old instances can be started again, too.
    expected.warn(
      `The database has migrations that this version does not know (${unknown.join(', ')}): a newer version has ` +
        'been here. This one goes on beside it.',
    );
  }
  const done = new Set(names);
  return {
    database: facts.database,
    schema,
    pending: expected.migrations.filter((name) => !done.has(name)),
    isEmpty: names.length === unknown.length,
  };
}

async function checkSettings(ask: Ask, { role, database }: Facts): Promise<void> {
  const wrong = await ask<{ name: string; wanted: string; found: string }>(WRONG_SETTINGS);
  if (wrong.length === 0) return;
  const found = wrong.map((each) => `${each.name} = ${each.found}`).join(', ');
  const wanted = wrong.map((each) => `${each.name} = '${each.wanted}'`).join(', ');
  throw new UnusableDatabase(
    `With PREPARED_STATEMENTS=off no setting can be sent, and what the role ${role} or the database ${database} ` +
      `brings along does not do: ${found}. ALTER ROLE … SET ${wanted}.`,
  );
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
async function findSchema(
  ask: Ask,
  { path, role, isPathSaid }: Facts,
  migrations: readonly string[],
): Promise<{ schema: string; names: readonly string[] }> {
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
  return { schema: first, names: others.get(first) ?? [] };
}

/** @throws UnusableDatabase where the migrations cannot be made in the schema */
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
        `${schema} to it, or make a schema of its own with CREATE SCHEMA … AUTHORIZATION, and ${SAY_SCHEMA}.`,
    );
  }
  if (isEmpty && found.taken.length > 0) {
    throw new UnusableDatabase(
      `The schema ${schema} has tables of others with names that this application needs ` +
        `(${found.taken.join(', ')}): make a schema for it, and ${SAY_SCHEMA}.`,
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
 * @throws DatabaseNotReady where the tables are not there, or not whole; UnusableDatabase where they may not be
 *   used, or their triggers look for them elsewhere
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
    if (isMissing) throw new DatabaseNotReady(`the table ${schema}.${name} is not there`);
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
      `The schema ${schema} was renamed, and the triggers of its tables still look for the old name: npm run ` +
        'migration:run makes their functions anew.',
    );
  }
}

/** How a function names a table: after FROM or JOIN, with its schema. */
function naming(tables: readonly string[]): string {
  const names = tables.map((name) => `(?:${name}|${quoted(name)})`).join('|');
  return `\\y(FROM|JOIN)(\\s+)("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)\\.(?=(?:${names})\\y)`;
}

/** @returns the functions of our tables' triggers that name one of the tables in another schema, as they are to be */
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
