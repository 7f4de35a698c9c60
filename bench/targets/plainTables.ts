/**
 * The tables of the peers and of raw SQL: lives and their history, with primary keys only: no ledger, no feed, no
 * constraint. Owns their preparation, and the statement of a birth.
 */
import { uuidv7 } from 'uuidv7';
import type { BenchmarkDatabase } from '../database/cluster';

export async function createPlainTables({ administrator, url }: BenchmarkDatabase): Promise<void> {
  await administrator.query(`
CREATE TABLE lives (
  id uuid PRIMARY KEY,
  version integer NOT NULL,
  state_type text NOT NULL,
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  born_at timestamptz(3),
  died_at timestamptz(3)
);
CREATE TABLE life_transitions (
  life_id uuid NOT NULL,
  version integer NOT NULL,
  event text NOT NULL,
  from_state_type text NOT NULL,
  state_type text NOT NULL,
  occurred_at timestamptz(3) NOT NULL,
  recorded_at timestamptz(3) NOT NULL,
  PRIMARY KEY (life_id, version)
);
GRANT ALL ON lives, life_transitions TO ${decodeURIComponent(new URL(url).username)}`);
}

/** Begins so many lives. @returns their ids, of the same kind as the product's */
export async function conceivePlain(
  { administrator }: BenchmarkDatabase,
  count: number,
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => uuidv7());
  await administrator.query(
    `INSERT INTO lives (id, version, state_type, created_at, updated_at)
     SELECT id, 1, 'Gestating', now(), now() FROM unnest($1::uuid[]) AS id`,
    [ids],
  );
  return ids;
}

/** A life, as the peers read it. */
export interface LifeRow {
  readonly id: string;
  readonly version: number;
  readonly stateType: 'Gestating' | 'Alive' | 'Dead';
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly bornAt: Date | null;
  readonly diedAt: Date | null;
}

const COLUMNS = `id, version, state_type AS "stateType", created_at AS "createdAt",
  updated_at AS "updatedAt", born_at AS "bornAt", died_at AS "diedAt"`;

/** A named prepared statement. `$1` is the id. */
export const findLife = {
  name: 'find',
  text: `SELECT ${COLUMNS} FROM lives WHERE id = $1`,
};

/**
 * A named prepared statement, in one round trip. `$1` is the id, `$2` the time. It returns no row if the birth was
 * refused.
 */
export const giveBirth = {
  name: 'birth',
  text: `
WITH born AS (
  UPDATE lives
  SET version = version + 1, state_type = 'Alive', updated_at = $2, born_at = $2
  WHERE id = $1 AND state_type = 'Gestating'
  RETURNING ${COLUMNS}
), recorded AS (
  INSERT INTO life_transitions
    (life_id, version, event, from_state_type, state_type, occurred_at, recorded_at)
  SELECT id, version, 'Birth', 'Gestating', 'Alive', "bornAt", "bornAt" FROM born
)
SELECT * FROM born`,
};
