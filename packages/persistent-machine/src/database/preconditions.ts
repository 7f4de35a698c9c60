/**
 * What a database must be for us to work with it, looked through at the start. What a person must mend is an
 * UnusableDatabase, what may pass a DatabaseNotReady, each told in a sentence. Is given the names of migrations, and knows
 * none of them.
 */
import type { Ask } from './ask';
import { DatabaseNotReady, UnusableDatabase } from './failures';
import { findSchema } from './schemas';
import { WRONG_SETTINGS } from './settings';
import { checkVersion } from './version';

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
