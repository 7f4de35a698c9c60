/** Reads what identifies the latest transition. A database with the same transition is a replica of this one. */
import type { Statement } from '../database/Database';
import type { MachineTables } from './tables';

/**
 * They need no lane: one caller proves a replica now and then.
 *
 * @returns two statements with rows of the same form: the first reads the latest transition; the second takes such a
 *   row as parameters, and reads it again
 */
export function recognition({ names, history, owner }: MachineTables): {
  readonly latest: Statement;
  readonly again: Statement;
} {
  const read = `
SELECT partition::text, position::text, ${owner.name}::text, version::text, extract(epoch FROM recorded_at)::text AS recorded_at
FROM ${history} AS history`;
  return {
    // Qualified, since the columns of the result are texts, and PostgreSQL would sort by those.
    latest: {
      name: `${names.history}/latest`,
      text: `${read}
ORDER BY history.partition DESC, history.position DESC
LIMIT 1`,
    },
    again: {
      name: `${names.history}/again`,
      text: `${read}
WHERE partition = $1::integer AND position = $2::bigint AND ${owner.name} = $3::uuid AND version = $4::integer
  AND extract(epoch FROM recorded_at) = $5::numeric`,
    },
  };
}
