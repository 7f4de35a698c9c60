/** Tests places without a database: how they are compared, advanced, and proven. */
import fc from 'fast-check';
import {
  type Mark,
  type Place,
  advanced,
  beginning,
  fingerprintOf,
  includes,
  isAfter,
  isPlace,
  later,
  markAt,
} from '../../src/operations/place';
import { BeyondEnd, FeedRewound, checkPartitions, claimOf, prove } from '../../src/store/place';

const MOST_PARTITIONS = 32;

const witnessAt = (partition: number, position: number): string | null =>
  position === 0 ? null : `the transition ${position} of partition ${partition}`;
const at = (partition: number, position: number): Mark =>
  markAt(String(position), witnessAt(partition, position));
const placeAt = (positions: readonly number[]): Place =>
  positions.map((position, partition) => at(partition, position));

/** So many lists of positions, for the same number of partitions. Many are equal. */
const positionsOf = (number: number): fc.Arbitrary<number[][]> =>
  fc.integer({ min: 1, max: MOST_PARTITIONS }).chain((partitions) =>
    fc.array(
      fc.array(fc.oneof(fc.nat(3), fc.nat(1_000_000_000_000)), {
        minLength: partitions,
        maxLength: partitions,
      }),
      { minLength: number, maxLength: number },
    ),
  );
/** So many places of one history, for the same number of partitions. */
const placesOf = (number: number): fc.Arbitrary<Place[]> =>
  positionsOf(number).map((all) => all.map(placeAt));

const pair = placesOf(2) as fc.Arbitrary<[Place, Place]>;
const triple = placesOf(3) as fc.Arbitrary<[Place, Place, Place]>;

test('the later of two places has, in each partition, what either has, and no more', () => {
  fc.assert(
    fc.property(positionsOf(2), ([one = [], other = []]) => {
      const both = one.map((position, partition) => Math.max(position, other[partition] ?? 0));
      expect(later(placeAt(one), placeAt(other))).toEqual(placeAt(both));
    }),
  );
});

test('a place includes another if the later of both is that place itself', () => {
  fc.assert(
    fc.property(pair, ([one, other]) => {
      const both = later(one, other);
      expect(includes(both, one) && includes(both, other)).toBe(true);
      expect(includes(one, other)).toBe(fingerprintOf(both) === fingerprintOf(one));
      expect(includes(one, one)).toBe(true);
      expect(includes(one, beginning(one.length))).toBe(true);
    }),
  );
  fc.assert(
    fc.property(triple, ([one, other, third]) => {
      if (includes(one, other) && includes(other, third)) expect(includes(one, third)).toBe(true);
      expect(later(later(one, other), third)).toEqual(later(one, later(other, third)));
    }),
  );
});

test('a place advances by one transition, in its partition only', () => {
  fc.assert(
    fc.property(placesOf(1), fc.nat(), ([place = []], number) => {
      const partition = number % place.length;
      const mark = at(partition, Number(place[partition]?.position) + 1);
      const next = advanced(place, { ...mark, partition });
      expect(next[partition]).toEqual(mark);
      expect(next.filter((each, index) => each !== place[index])).toEqual([mark]);
      expect([includes(next, place), includes(place, next)]).toEqual([true, false]);
      expect(isAfter(mark, place[partition] ?? mark)).toBe(true);
      expect(isAfter(place[partition] ?? mark, mark)).toBe(false);
      expect(isAfter(mark, mark)).toBe(false);
    }),
  );
});

test('the fingerprint of a place combines those of its marks, and is neutral at the beginning', () => {
  fc.assert(
    fc.property(placesOf(1), ([place = []]) => {
      const combined = place
        .map(({ fingerprint }) => BigInt(`0x${fingerprint}`))
        .reduce((sum, each) => sum ^ each, 0n);
      expect(fingerprintOf(place)).toMatch(/^[0-9a-f]{16}$/);
      expect(BigInt(`0x${fingerprintOf(place)}`)).toBe(combined);
      const none = beginning(place.length);
      expect(fingerprintOf(none)).toBe('0'.repeat(16));
      expect(none.map(({ position }) => position)).toEqual(place.map(() => '0'));
    }),
  );
});

test('a place is proven by the transitions at its positions, and by no others', () => {
  fc.assert(
    fc.property(positionsOf(1), fc.nat(), ([positions = []], number) => {
      const place = placeAt(positions);
      const claim = claimOf(place, number % place.length);
      expect(isPlace(claim)).toBe(true);
      checkPartitions(claim, place.length);
      const witnesses = positions.map((position, partition) => witnessAt(partition, position));
      expect(prove(claim, witnesses)).toEqual(place);
      const old = { ...claim, fingerprint: null };
      expect(prove(old, witnesses)).toEqual(place);

      // A partition in which the place is not the beginning.
      const partition = positions.findIndex((position) => position > 0);
      if (partition < 0) return;
      const others = witnesses.with(partition, 'another transition');
      expect(() => prove(claim, others)).toThrow(FeedRewound);
      const gone = witnesses.with(partition, null);
      expect(() => prove(claim, gone)).toThrow(FeedRewound);
      expect(() => prove(old, gone)).toThrow(BeyondEnd);
    }),
  );
});

test('a place of another number of partitions is refused, and a mark of a partition that does not exist', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: MOST_PARTITIONS }),
      fc.integer({ min: 1, max: MOST_PARTITIONS }),
      (ours, theirs) => {
        const place = (): void => {
          checkPartitions(claimOf(beginning(theirs)), ours);
        };
        const mark = (): void => {
          checkPartitions({ partition: theirs - 1, position: '1', fingerprint: '' }, ours);
        };
        if (ours === theirs) place();
        else expect(place).toThrow(FeedRewound);
        if (theirs <= ours) mark();
        else expect(mark).toThrow(FeedRewound);
      },
    ),
  );
});
