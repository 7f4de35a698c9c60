/** Tests the feed on a store without a server: its tail, its patience with slow subscribers, and its end. */
import fc from 'fast-check';
import { Feed } from '../../src/feed/Feed';
import { WakeUps } from '../../src/feed/WakeUps';
import { Tail } from '../../src/feed/Tail';
import { Lagged } from '../../src/feed/errors';
import { BeyondEnd, FeedRewound } from '../../src/store/place';
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
  await expect(feed.transitions(null, { position, fingerprint: null })).rejects.toThrow(BeyondEnd);
  await expect(feed.transitions(null, { ...end, position })).rejects.toThrow(FeedRewound);
  const subscription = await feed.transitions(null, end);
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
  fc.assert(
    fc.property(
      fc.nat(1_000),
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.nat(6), { maxLength: 30 }),
      (start, capacity, sizes) => {
        const tail = new Tail<number>(start, capacity);
        for (const size of sizes) {
          tail.append(Array.from({ length: size }, (_entry, index) => tail.end + 1 + index));
        }
        const end = start + sizes.reduce((sum, size) => sum + size, 0);
        expect(tail.end).toBe(end);
        for (let after = start; after <= end + 1; after += 1) {
          // The tail always holds the last entries. It may hold older ones, too.
          if (after >= end - Math.min(capacity, end - start)) {
            expect(tail.reachesBackTo(after)).toBe(true);
          }
          if (!tail.reachesBackTo(after)) continue;
          const next = tail.next(after, () => true);
          expect(next).toEqual(after < end ? { entry: after + 1, position: after + 1 } : undefined);
          const even = after + 1 + ((after + 1) % 2);
          expect(tail.next(after, (entry) => entry % 2 === 0)?.position).toBe(
            even <= end ? even : undefined,
          );
        }
      },
    ),
  );
});
