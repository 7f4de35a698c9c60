/** The cursors of the feed, computed from a database's history in SQL, independently of the code under test. */
import type { Client } from 'pg';

/** The cursor before the first transition. */
export const BEGINNING = encoded('feed 2 0000000000000000 0');

/** @returns the cursors of all transitions in order, after that of the beginning */
export async function cursorsOf(client: Pick<Client, 'query'>): Promise<string[]> {
  const { rows } = await client.query<{ position: string; fingerprint: string }>(`
    SELECT position, left(encode(sha256(convert_to(
      concat_ws(' ', life_id, version, (extract(epoch FROM recorded_at) * 1000)::bigint),
      'UTF8')), 'hex'), 16) AS fingerprint
    FROM life_transitions ORDER BY position`);
  return [
    BEGINNING,
    ...rows.map(({ position, fingerprint }) => encoded(`feed 2 ${fingerprint} ${position}`)),
  ];
}

/** The cursor of a position, as older releases made it. */
export function oldCursor(position: number): string {
  return encoded(`feed ${position}`);
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64url');
}
