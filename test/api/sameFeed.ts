/** Compares two readings of the feed. It does not know how they were made. */
import { PARTITIONS } from '../harness/topology';

export interface Told {
  readonly cursor: string;
  readonly lifeId: string;
  readonly version: number;
}

/**
 * Expects two readings to have the same transitions in the same order. With several partitions, the order across lives
 * is that of the instance and of the reading, and so are the cursors: then each transition must come once, and those of
 * each life in order.
 */
export function expectSameFeed(told: readonly Told[], expected: readonly Told[]): void {
  if (PARTITIONS === 1) {
    expect(told).toEqual(expected);
    return;
  }
  expect(byLife(told)).toEqual(byLife(expected));
}

function byLife(transitions: readonly Told[]): Map<string, unknown[]> {
  const lives = new Map<string, unknown[]>();
  for (const { cursor, ...transition } of transitions) {
    expect(cursor).toEqual(expect.any(String));
    const own = lives.get(transition.lifeId) ?? [];
    lives.set(transition.lifeId, own);
    own.push(transition);
  }
  return lives;
}
