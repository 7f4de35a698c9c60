/** Sets a history back, as a backup does that is restored over a running database. Knows the three tables. */
import type { Client } from 'pg';

const TABLES = ['lives', 'life_transitions', 'ledger'];

/** Only the stored columns: `previous_version` is generated. */
const COLUMNS = `(SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
  WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '')`;

/**
 * Keeps the content of the tables, in the owner's session.
 *
 * @returns a function that restores it in one transaction
 */
export async function keep(owner: Client): Promise<() => Promise<void>> {
  for (const table of TABLES) {
    await owner.query(`DROP TABLE IF EXISTS kept_${table}`);
    await owner.query(`CREATE TEMP TABLE kept_${table} AS TABLE ${table}`);
  }
  return async () => {
    await owner.query('BEGIN');
    for (const table of TABLES) await owner.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
    await owner.query('SET CONSTRAINTS ALL DEFERRED');
    for (const table of TABLES) await owner.query(`DELETE FROM ${table}`);
    for (const table of TABLES) {
      const { rows } = await owner.query<{ columns: string }>(`SELECT ${COLUMNS} AS columns`, [
        table,
      ]);
      const columns = rows[0]?.columns ?? '';
      await owner.query(`INSERT INTO ${table} (${columns}) SELECT ${columns} FROM kept_${table}`);
    }
    await owner.query('SET CONSTRAINTS ALL IMMEDIATE');
    for (const table of TABLES) await owner.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
    await owner.query('COMMIT');
  };
}
