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
SELECT position::text, ${owner.name}::text, version::text, extract(epoch FROM recorded_at)::text AS recorded_at
FROM ${history}`;
  return {
    latest: { name: `${names.history}/latest`, text: `${read} ORDER BY position DESC LIMIT 1` },
    again: {
      name: `${names.history}/again`,
      text: `${read}
WHERE position = $1::bigint AND ${owner.name} = $2::uuid AND version = $3::integer
  AND extract(epoch FROM recorded_at) = $4::numeric`,
    },
  };
}
