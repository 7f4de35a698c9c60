/** Tests the feed on a store without a server: its tail, its patience with slow subscribers, and its end. */
import fc from 'fast-check';
import { Feed } from '../../src/feed/Feed';
import { WakeUps } from '../../src/feed/WakeUps';
import { type Placed, Tail } from '../../src/feed/Tail';
import { advanced, beginning, markAt } from '../../src/operations/place';
import { Lagged } from '../../src/feed/errors';
import { BeyondEnd, FeedRewound, claimOf } from '../../src/store/place';
import { doors } from '../machine/door';
import { KeptMachines, anonymous, newId } from '../store/KeptMachines';

/** In these tests nothing notifies this channel. */
const CHANNEL = 'door_transitions';

let kept: KeptMachines<typeof doors>;
let feed: Feed<typeof doors>;
let failures: unknown[];

beforeAll(async () => {
  kept = await KeptMachines.of(doors);
});

beforeEach(() => {
  failures = [];
  feed = feedWith({ patience: 60_000 });
});

afterEach(async () => {
  await feed.stop();
  expect(failures).toEqual([]);
});

afterAll(async () => {
  await kept.close();
});

function feedWith({ patience }: { patience: number }): Feed<typeof doors> {
  const made = new Feed(kept.reader, kept.store, {
    wakeUps: new WakeUps({ url: kept.url, channels: [CHANNEL], listen: true }),
    channel: CHANNEL,
    patience,
    onFailure: (error) => failures.push(error),
    onRewound: (error) => failures.push(error),
  });
  kept.onCommit = () => {
    made.changed();
  };
  return made;
}

async function installMany(number: number): Promise<void> {
  const begin = async (): Promise<unknown> => kept.store.begin(newId(), {}, anonymous);
  await Promise.all(Array.from({ length: number }, begin));
}

test('a subscriber that is too slow gets Lagged once the tail has dropped what it missed', async () => {
  // With no patience, any delay is too long.
  feed = feedWith({ patience: -1 });
  const lagging = await feed.transitions(null, undefined);
  const attentive = await feed.transitions(null, undefined);
  await installMany(1);
  expect((await lagging.next()).done).toBe(false);
  // One more than twice the capacity of the tail, so that the tail drops something.
  for (let told = 0; told < 2 * 2_048 + 1; told += 1) {
    if (told % 500 === 0) await installMany(Math.min(500, 2 * 2_048 + 1 - told));
    await attentive.next();
  }
  await attentive.next();
  await expect(lagging.next()).rejects.toThrow(Lagged);
  expect(await lagging.next()).toEqual({ done: true, value: undefined });
});

test('a slow subscriber goes on while the tail still has what it missed', async () => {
  feed = feedWith({ patience: -1 });
  const subscription = await feed.transitions(null, undefined);
  await installMany(3);
  const positions = [];
  for (let told = 0; told < 3; told += 1)
    positions.push((await subscription.next()).value?.position);
  const [first = ''] = positions;
  expect(positions.map(Number)).toEqual([0, 1, 2].map((more) => Number(first) + more));
});

test('a place beyond the end of the feed is refused, and the end itself is accepted', async () => {
  await installMany(1);
  const end = await kept.reader.census();
  const position = String(Number(end.position) + 1);
  const claim = claimOf(end.place);
  const beyond = { ...claim, positions: [position] };
  await expect(feed.transitions(null, { ...beyond, fingerprint: null })).rejects.toThrow(BeyondEnd);
  await expect(feed.transitions(null, beyond)).rejects.toThrow(FeedRewound);
  const subscription = await feed.transitions(null, claim);
  await installMany(1);
  expect((await subscription.next()).value?.position).toBe(position);
});

test('an unknown machine has no changes to follow', async () => {
  expect(await feed.changes(newId())).toBeNull();
});

test('a subscriber that waits when the feed stops gets the end of the subscription', async () => {
  const subscription = await feed.transitions(null, undefined);
  const waiting = subscription.next();
  await feed.stop();
  expect(await waiting).toEqual({ done: true, value: undefined });
});

test('a subscription can end while it waits, and a second end does nothing', async () => {
  const subscription = await feed.transitions(null, undefined);
  const waiting = subscription.next();
  await subscription.return?.();
  await subscription.return?.();
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(await subscription.next()).toEqual({ done: true, value: undefined });
});

test('the tail holds the last entries, and says how far it reaches back', () => {
  const PARTITIONS = 3;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.array(fc.nat(PARTITIONS - 1), { maxLength: 6 }), { maxLength: 30 }),
      (capacity, appended) => {
        // The whole feed, and the place after each of its entries.
        const places = [beginning(PARTITIONS)];
        const feed: Placed[] = [];
        const tail = new Tail<Placed>(beginning(PARTITIONS), capacity);
        for (const partitions of appended) {
          tail.append(
            partitions.map((partition) => {
              const before = places.at(-1) ?? [];
              const position = String(Number(before[partition]?.position) + 1);
              const mark = { partition, ...markAt(position, `${partition} ${position}`) };
              const place = advanced(before, mark);
              const entry = { ...mark, place };
              places.push(place);
              feed.push(entry);
              return entry;
            }),
          );
        }
        const isThere = places.map((place) => tail.startAfter(place) !== undefined);
        // The tail always holds the last entries. It may hold older ones, too.
        const kept = Math.min(capacity, feed.length);
        expect(isThere.slice(feed.length - kept)).toEqual(Array(kept + 1).fill(true));
        expect(isThere.toSorted()).toEqual(isThere);
        for (const [index, place] of places.entries()) {
          const first = tail.startAfter(place);
          if (first === undefined) continue;
          expect(tail.has(first)).toBe(true);
          const rest = [];
          for (let at = first; tail.at(at) !== undefined; at += 1) rest.push(tail.at(at));
          // It may begin with entries that the subscriber has.
          expect(rest.slice(rest.length - (feed.length - index))).toEqual(feed.slice(index));
        }
      },
    ),
  );
});
