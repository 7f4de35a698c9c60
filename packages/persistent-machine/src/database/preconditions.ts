/**
 * Checks at start whether the database meets our preconditions. It throws an UnusableDatabase for what an operator must
 * change, and a DatabaseNotReady for what may pass. It knows no particular migration.
 */
import type { Ask } from './ask';
import { DatabaseNotReady, UnusableDatabase } from './failures';
import { findSchema } from './schemas';
import { WRONG_SETTINGS } from './settings';
import { checkVersion } from './version';

export interface Expectations {
  /** The names of all migrations of this build. */
  readonly migrations: readonly string[];
  /** False if a pooler lets no setting through; then the vital ones are checked. */
  readonly settingsAreSaid: boolean;
  readonly warn: (message: string) => void;
}

/** The findings in a usable database. */
export interface Installation {
  readonly database: string;
  /** The schema where the tables are, or will be created. */
  readonly schema: string;
  /** The migrations of this build that the database lacks. */
  readonly pending: readonly string[];
  /** Whether the database has none of them, and so no tables. */
  readonly isEmpty: boolean;
}

interface Facts {
  readonly number: number;
  readonly version: string;
  readonly encoding: string;
  readonly isStandby: boolean;
  readonly isReadOnly: boolean;
  readonly replicationRole: string;
  readonly database: string;
  readonly role: string;
  /** The existing schemas of the search path, in its order. */
  readonly path: readonly string[];
  /** Whether the search path comes from the URL, not from the role or the database. */
  readonly isPathInUrl: boolean;
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
       (SELECT source = 'client' FROM pg_settings WHERE name = 'search_path') AS "isPathInUrl"`;

/**
 * @returns where the tables are, or will be created, and which migrations are pending
 * @throws UnusableDatabase, DatabaseNotReady
 */
export async function inspect(ask: Ask, expected: Expectations): Promise<Installation> {
  const [facts] = await ask<Facts>(FACTS);
  if (facts === undefined) throw new DatabaseNotReady('it does not answer');
  checkVersion(facts, expected.warn);
  if (facts.encoding !== 'UTF8') {
    throw new UnusableDatabase(
      `The database ${facts.database} has the encoding ${facts.encoding}, which cannot hold every text. Create one with ` +
        'CREATE DATABASE … ENCODING UTF8 TEMPLATE template0, and name it in DATABASE_URL.',
    );
  }
  if (facts.replicationRole !== 'origin') {
    throw new UnusableDatabase(
      `The role ${facts.role} or the database ${facts.database} has session_replication_role = ` +
        `${facts.replicationRole}, which switches off the triggers that guard the tables. RESET it with ALTER ROLE or ` +
        'ALTER DATABASE.',
    );
  }
  if (!expected.settingsAreSaid) await checkSettings(ask, facts);
  if (facts.isStandby) {
    throw new DatabaseNotReady(
      'it is a standby, which takes no changes: DATABASE_URL must name the primary',
    );
  }
  if (facts.isReadOnly) {
    throw new DatabaseNotReady('it takes no changes, since default_transaction_read_only is on');
  }
  const { schema, names } = await findSchema(ask, facts, expected.migrations);
  const known = new Set(expected.migrations);
  const unknown = names.filter((name) => !known.has(name));
  if (names.length > unknown.length && unknown.length > 0) {
    // Not an error: during a rolling deployment, old instances must still be able to start.
    expected.warn(
      `The database has migrations that this version does not know (${unknown.join(', ')}). A newer version has run ` +
        'them; this one starts all the same.',
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
    `With PREPARED_STATEMENTS=off the server cannot send settings, and those of the role ${role} or the database ` +
      `${database} are wrong: ${found}. Correct them with ALTER ROLE … SET ${wanted}.`,
  );
}
