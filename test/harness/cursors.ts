/**
 * The cursors of the feed, computed from a database's history in SQL and here, independently of the code under test.
 *
 * With several partitions, each reading of the feed merges them in an order of its own, so the cursors depend on it.
 */
import type { Client } from 'pg';
import { PARTITIONS } from './topology';

/** The cursor before the first transition. */
export const BEGINNING = beginningOf(PARTITIONS);

function beginningOf(partitions: number): string {
  const zeros = Array<string>(partitions).fill('0');
  return cursorAt(zeros.map(Number), zeros, 0);
}

interface Row {
  readonly partition: number;
  readonly fingerprint: string;
}

/**
 * Reads the whole history, and merges its partitions in the order in which a reading did. What the reading lacks comes
 * after it, by the time of recording. So a reading from the beginning is complete, in order and without repeats if it
 * equals the result. With one partition, the result does not depend on the reading.
 *
 * @param reading cursors of a reading from the beginning
 * @returns the cursors of all transitions in order, after that of the beginning
 */
export async function cursorsOf(
  client: Pick<Client, 'query'>,
  reading: readonly string[] = [],
): Promise<string[]> {
  const { rows } = await client.query<Row>(`
    -- A release without partitions has no such column.
    SELECT partition, left(encode(sha256(convert_to(
      concat_ws(' ', life_id, version, (extract(epoch FROM recorded_at) * 1000)::bigint),
      'UTF8')), 'hex'), 16) AS fingerprint
    FROM (
      SELECT life_id, version, recorded_at, position,
             coalesce((to_jsonb(life_transitions) ->> 'partition')::integer, 0) AS partition
      FROM life_transitions
    ) AS transition
    ORDER BY max(recorded_at) OVER (PARTITION BY partition ORDER BY position), partition, position`);
  const positions = Array<number>(PARTITIONS).fill(0);
  const fingerprints = Array<string>(PARTITIONS).fill('0');
  const left = [...rows];
  const cursors = [reading.find(isBeginning) ?? BEGINNING];
  const advance = (index: number): void => {
    for (const { partition, fingerprint } of left.splice(index, 1)) {
      positions[partition] = (positions[partition] ?? 0) + 1;
      fingerprints[partition] = fingerprint;
      cursors.push(cursorAt(positions, fingerprints, partition));
    }
  };
  for (const cursor of reading.filter((each) => !isBeginning(each))) {
    const partition = partitionIn(cursor);
    const index = left.findIndex((row) => row.partition === partition);
    if (index >= 0) advance(index);
  }
  while (left.length > 0) advance(0);
  return cursors;
}

/** A cursor of the beginning of a database that has another number of partitions. */
export function foreignCursor(): string {
  return beginningOf(PARTITIONS + 1);
}

/** The cursor of a position, as older releases made it, which knew one partition only. */
export function oldCursor(position: number): string {
  return encoded(`feed ${position}`);
}

function cursorAt(
  positions: readonly number[],
  fingerprints: readonly string[],
  partition: number,
): string {
  const combined = fingerprints.reduce((sum, each) => sum ^ BigInt(`0x${each}`), 0n);
  const differences = positions.map((position, index) => position - (positions[index - 1] ?? 0));
  const own = positions.length > 1 ? ` ${partition}` : '';
  return encoded(`feed 2 ${combined.toString(16).padStart(16, '0')} ${differences.join()}${own}`);
}

/** The beginning is no transition's place, so the partition that its cursor names does not matter. */
function isBeginning(cursor: string): boolean {
  return placeIn(cursor) === placeIn(BEGINNING);
}

/** What a cursor says of its place. Readings in different orders say the same of the end. */
export function placeIn(cursor = ''): string {
  return wordsOf(cursor).slice(0, 3).join(' ');
}

/** The partition of a cursor's own transition, which is its last word if there are several. */
function partitionIn(cursor: string): number {
  return PARTITIONS > 1 ? Number(wordsOf(cursor).at(-1)) : 0;
}

function wordsOf(cursor: string): string[] {
  return Buffer.from(cursor, 'base64url').toString().split(' ');
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64url');
}
