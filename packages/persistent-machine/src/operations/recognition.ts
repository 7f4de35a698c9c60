/** What tells the latest transition from every other one anywhere: by it a replica is known to be one of this database. */
import type { Statement } from '../database/Database';
import type { MachineTables } from './tables';

/**
 * They wait in no lane: a replica is proved now and then, and by one caller.
 *
 * @returns two statements with rows of the same form: of the latest one; and of one that is given as such a row
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
