/** Loads a database of the product with old lives and their histories. */
import type { Client } from 'pg';

/** The number of transitions of ten loaded lives. */
export const TRANSITIONS_OF_TEN = 17;

/**
 * Half of the lives gestate, three tenths are alive, two tenths are dead. The youngest is some hours old.
 *
 * Disables triggers and foreign keys, whose checks of millions of rows would take many times as long as the writes. The
 * rows are correct by construction: the history is made from the lives, and the ledger from the history.
 *
 * @param administrator a superuser's connection, which may disable triggers
 */
export async function loadLives(administrator: Client, count: number): Promise<void> {
  await administrator.query('BEGIN');
  await administrator.query('SET LOCAL session_replication_role = replica');
  await administrator.query(`SET LOCAL work_mem = '256MB'`);
  await administrator.query(
    `
CREATE TEMPORARY TABLE loaded ON COMMIT DROP AS
SELECT uuidv7(created_at - now()) AS id, created_at,
       created_at + interval '1 hour' AS born_at, created_at + interval '2 hours' AS died_at,
       CASE WHEN number % 10 < 5 THEN 1 WHEN number % 10 < 8 THEN 2 ELSE 3 END AS version
FROM generate_series(1, ${count}) AS number
CROSS JOIN LATERAL (
  SELECT date_trunc('milliseconds', now()) - interval '3 hours' - (${count} - number) * interval '1 second'
) AS conception (created_at)`,
  );
  await administrator.query(`
INSERT INTO lives (id, version, state_type, created_at, updated_at, born_at, died_at)
SELECT id, version, (ARRAY['Gestating', 'Alive', 'Dead'])[version], created_at,
       (ARRAY[created_at, born_at, died_at])[version],
       CASE WHEN version >= 2 THEN born_at END, CASE WHEN version >= 3 THEN died_at END
FROM loaded
ORDER BY created_at, id`);
  await administrator.query(`
INSERT INTO life_transitions (life_id, version, event, from_state_type, state_type, created_at,
                              updated_at, born_at, died_at, occurred_at, recorded_at, position)
SELECT loaded.id, step.version, step.event, step.from_state_type, step.state_type, created_at,
       moment, CASE WHEN step.version >= 2 THEN born_at END, CASE WHEN step.version >= 3 THEN died_at END,
       moment, moment, row_number() OVER (ORDER BY moment, loaded.id)
FROM loaded
JOIN (
  VALUES (1, 'Conception', NULL, 'Gestating'),
         (2, 'Birth', 'Gestating', 'Alive'),
         (3, 'Death', 'Alive', 'Dead')
) AS step (version, event, from_state_type, state_type) ON step.version <= loaded.version
CROSS JOIN LATERAL (
  SELECT (ARRAY[created_at, born_at, died_at])[step.version]
) AS occurrence (moment)
ORDER BY moment, loaded.id`);
  await administrator.query(`
UPDATE ledger
SET position = (SELECT count(*) FROM life_transitions),
    counts = counts || (
      SELECT jsonb_object_agg(state_type, number)
      FROM (SELECT state_type, count(*) AS number FROM lives GROUP BY state_type) AS counted
    )`);
  await administrator.query('COMMIT');
}
