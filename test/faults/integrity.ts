/**
 * Checks whether the tables agree with one another and with the machine, by queries that share nothing with the code
 * that keeps them so.
 */
import type { Client } from 'pg';
import { lives } from '../../src/machine';
import { partitionOf } from '../harness/partition';

/** Each query returns rows that must not exist. */
const QUESTIONS = {
  'versions are not 1 to n': `
    SELECT life_id, array_agg(version ORDER BY version) FROM life_transitions
    GROUP BY life_id HAVING min(version) <> 1 OR max(version) <> count(*)`,
  'is not allowed, or does not follow from the version before': `
    SELECT life_id, version FROM (
      SELECT *, lag(state_type) OVER (PARTITION BY life_id ORDER BY version) AS before
      FROM life_transitions
    ) AS transition
    WHERE from_state_type IS DISTINCT FROM before
      OR (coalesce(before, ''), event, state_type) NOT IN (
        SELECT * FROM jsonb_to_recordset($1) AS legal ("from" text, event text, "to" text)
      )`,
  'occurred before the version before it': `
    SELECT life_id, version FROM (
      SELECT *, lag(occurred_at) OVER (PARTITION BY life_id ORDER BY version) AS before
      FROM life_transitions
    ) AS transition
    WHERE occurred_at < before`,
  'is not what its last transition says': `
    SELECT coalesce(life.id, last.life_id) FROM lives AS life
    FULL JOIN (
      SELECT DISTINCT ON (life_id) * FROM life_transitions ORDER BY life_id, version DESC
    ) AS last ON last.life_id = life.id
    WHERE (life.version, life.state_type, life.created_at, life.updated_at, life.born_at, life.died_at)
      IS DISTINCT FROM
          (last.version, last.state_type, last.created_at, last.updated_at, last.born_at, last.died_at)`,
  'is not in the partition of its id': `
    SELECT id, partition FROM (
      SELECT id, partition FROM lives UNION ALL SELECT life_id, partition FROM life_transitions
    ) AS placed
    WHERE partition <> ${partitionOf('id')}`,
  'positions are not 1 to n, the ledger’s of the partition': `
    SELECT count(history.position), min(history.position), max(history.position), ledger.position, partition
    FROM ledger FULL JOIN life_transitions AS history USING (partition)
    GROUP BY partition, ledger.position
    HAVING count(history.position) IS DISTINCT FROM ledger.position
      OR ledger.position > 0 AND (min(history.position), max(history.position)) <> (1, ledger.position)`,
  'is counted otherwise by the ledger’s row of the partition': `
    SELECT state, counted.number, life.number, partition FROM (
      SELECT partition, key AS state, value::bigint AS number
      FROM ledger, jsonb_each_text(counts) WHERE value <> '0'
    ) AS counted
    FULL JOIN (
      SELECT partition, state_type AS state, count(*) AS number FROM lives GROUP BY partition, state_type
    ) AS life USING (partition, state)
    WHERE counted.number IS DISTINCT FROM life.number`,
  'has a key more than once': `
    SELECT life_id, idempotency_key FROM life_transitions WHERE idempotency_key IS NOT NULL
    GROUP BY life_id, idempotency_key HAVING count(*) > 1`,
};

/** @returns the violations, as sentences; empty if there are none */
export async function problemsOf(client: Pick<Client, 'query'>): Promise<string[]> {
  const legal = JSON.stringify(lives.edges.map((edge) => ({ ...edge, from: edge.from ?? '' })));
  const problems: string[] = [];
  for (const [problem, text] of Object.entries(QUESTIONS)) {
    const { rows } = await client.query<object>(text, text.includes('$1') ? [legal] : []);
    problems.push(...rows.map((row) => `${Object.values(row).join(', ')} ${problem}`));
  }
  return problems;
}
