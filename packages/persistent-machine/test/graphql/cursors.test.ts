/** Tests cursors without a database: each place survives encoding, and everything else is refused. */
import fc from 'fast-check';
import { BadUserInput } from '../../src/graphql/errors';
import { type Cursors, cursorsOf } from '../../src/graphql/cursors';
import { namesOf } from '../../src/graphql/names';
import { type Claim, fingerprintOf, isPlace } from '../../src/operations/place';
import { door } from '../machine/door';
import { order } from '../machine/order';

const MOST_PARTITIONS = 32;
const { feed, version } = cursorsOf(namesOf(door));
const OF_ORDERS = cursorsOf(namesOf(order));

type Node = Parameters<Cursors['feed']['of']>[0];

const position = fc
  .oneof(fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), fc.bigInt({ min: 0n, max: 20n }))
  .map(String);
const fingerprint = fc
  .oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(0n, 1n, 2n ** 64n - 1n))
  .map((number) => number.toString(16).padStart(16, '0'));
const mark = fc.record({ position, fingerprint });

/** A transition that was read from the feed. */
const inFeed: fc.Arbitrary<Node> = fc
  .array(mark, { minLength: 1, maxLength: MOST_PARTITIONS, size: 'max' })
  .chain((place) =>
    fc.nat(place.length - 1).map((partition) => ({
      place,
      partition,
      position: place[partition]?.position ?? '',
      fingerprint: place[partition]?.fingerprint ?? '',
    })),
  );

/** A transition that was read from a history, in a database with several partitions. */
const elsewhere: fc.Arbitrary<Node> = fc.record({
  place: fc.constant(undefined),
  partition: fc.nat(MOST_PARTITIONS - 1),
  position,
  fingerprint,
});

const encoded = (text: string): string => Buffer.from(text).toString('base64url');
const decoded = (cursor: string): string => Buffer.from(cursor, 'base64url').toString();

/** The claim of a cursor; undefined if it is refused as the client's mistake. */
function claimOf(cursor: string): Claim | undefined {
  try {
    return feed.parse(cursor, 'after');
  } catch (error) {
    expect(error).toEqual(
      new BadUserInput([{ path: 'after', message: 'is not a cursor of this connection.' }]),
    );
    return undefined;
  }
}

test('the cursor of a transition in the feed says its place, and which transition it is', () => {
  fc.assert(
    fc.property(inFeed, (node) => {
      const { place = [], partition } = node;
      expect(claimOf(feed.of(node))).toEqual({
        positions: place.map((each) => each.position),
        fingerprint: fingerprintOf(place),
        partition,
      });
    }),
  );
});

test('the cursor of a transition in a history says which transition it is', () => {
  fc.assert(
    fc.property(elsewhere, (node) => {
      const { partition, position: at, fingerprint: proof } = node;
      expect(claimOf(feed.of(node))).toEqual({ partition, position: at, fingerprint: proof });
    }),
  );
});

test('a bare position, the oldest form, is a place without a fingerprint', () => {
  fc.assert(
    fc.property(position, (at) => {
      const claim = { positions: [at], fingerprint: null, partition: 0 };
      expect(claimOf(encoded(`${namesOf(door).cursor('feed')} ${at}`))).toEqual(claim);
    }),
  );
});

test('a cursor of the feed is short where the partitions have about as many transitions', () => {
  const place = Array.from({ length: MOST_PARTITIONS }, (_, index) => ({
    position: String(30_000_000 + 37 * (index % 5)),
    fingerprint: '0123456789abcdef',
  }));
  expect(feed.of({ place, partition: 0, position: '', fingerprint: '' }).length).toBeLessThan(220);
});

test('a text that differs from a cursor is refused, or is the cursor of another place', () => {
  /** Replaces some characters. */
  const spoilt = (text: string, [at, removed, inserted]: [number, number, string]): string => {
    const start = at % (text.length + 1);
    return text.slice(0, start) + inserted + text.slice(start + removed);
  };
  const part = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 3 }),
    fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdef,- ')), maxLength: 3 }),
  );
  fc.assert(
    fc.property(
      fc.oneof(inFeed, elsewhere),
      fc.tuple(fc.nat(), fc.nat(3), part),
      fc.boolean(),
      (node, change, isInText) => {
        const cursor = feed.of(node);
        const other = isInText ? encoded(spoilt(decoded(cursor), change)) : spoilt(cursor, change);
        fc.pre(other !== cursor);
        expectRefusedOrAnother(other, feed.parse(cursor, 'after'));
      },
    ),
    { numRuns: 1_000 },
  );
});

test('any other text is refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, isEncoded) => {
      expect(claimOf(isEncoded ? encoded(text) : text)).toBeUndefined();
    }),
  );
  const proof = '0123456789abcdef';
  const kind = namesOf(door).cursor('feed');
  for (const text of [
    ...[`2 ${proof}`, `2 ${proof} `, `2 ${proof} 1,2`, `2 ${proof} 1,2 2`, `2 ${proof} 1 0`],
    ...[`2 ${proof} 1,2 0 0`, `2 ${proof} 1,-2 0`, `2 ${proof} 1,-0 0`, `2 ${proof} 1,,2 0`],
    ...[`2 ${proof} 01`, `2 ${proof} -1`, `2 ${proof} +1`, `2 ${proof} 1.5`, `2 ${proof} 1e3`],
    ...[`2 ${proof} 999999999999999999,1 0`, `2 ${proof} 1000000000000000000`, '', ' '],
    ...[`2 ${proof.slice(1)} 1`, `2 ${proof}0 1`, `2 ${proof.toUpperCase()} 1`, `2  1`],
    ...[`3 ${proof} 1`, `3 ${proof} 1 01`, `3 ${proof} 1 -1`, `3 ${proof} -1 1`, `3 ${proof} 01 1`],
    ...[`3 ${proof} 1 1 1`, `3 ${proof} 100 1`, `3 ${proof} 1,2 1`, `1 ${proof} 1`, `4 ${proof} 1`],
    ...['01', '-1', '1000000000000000000', '1 1', '1 '],
  ]) {
    expect([text, claimOf(encoded(`${kind} ${text}`))]).toEqual([text, undefined]);
  }
});

test('a cursor of another machine, or of another connection, is refused', () => {
  fc.assert(
    fc.property(fc.oneof(inFeed, elsewhere), (node) => {
      const cursor = feed.of(node);
      expect(claimOf(OF_ORDERS.feed.of(node))).toBeUndefined();
      expect(() => OF_ORDERS.feed.parse(cursor, 'before')).toThrow(BadUserInput);
      expect(() => version.parse(cursor, 'after')).toThrow(BadUserInput);
    }),
  );
});

/** One place has one cursor, so another text that is accepted must say another place, and one that can be. */
function expectRefusedOrAnother(other: string, claim: Claim): void {
  const found = claimOf(other);
  if (found === undefined) return;
  expect(found).not.toEqual(claim);
  if (found.fingerprint !== null) expect(found.fingerprint).toMatch(/^[0-9a-f]{16}$/);
  const positions = isPlace(found) ? found.positions : [found.position];
  for (const each of positions) expect(each).toMatch(/^(0|[1-9]\d{0,17})$/);
  expect(found.partition).toBeLessThan(isPlace(found) ? positions.length : 100);
}
