/** The feed itself, on a store without a server: its tail, its patience, and what goes wrong below it. */
import fc from 'fast-check';
import { Feed } from '../../src/feed/Feed';
import { WakeUps } from '../../src/feed/WakeUps';
import { Tail } from '../../src/feed/Tail';
import { Lagged } from '../../src/feed/errors';
import { BeyondEnd, FeedRewound } from '../../src/store/place';
import { doors } from '../machine/door';
import { KeptMachines, newId, nobody } from '../store/KeptMachines';

/** Which nothing notifies here. */
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
  const begin = async (): Promise<unknown> => kept.store.begin(newId(), {}, nobody);
  await Promise.all(Array.from({ length: number }, begin));
}

test('who stays away for too long is told that it lags, once what it missed is no longer at hand', async () => {
  // Whoever is away at all is away for too long.
  feed = feedWith({ patience: -1 });
  const lagging = await feed.transitions(null, undefined);
  const attentive = await feed.transitions(null, undefined);
  await installMany(1);
  expect((await lagging.next()).done).toBe(false);
  // Twice what the tail holds, and one more, so that something falls off its end.
  for (let told = 0; told < 2 * 2_048 + 1; told += 1) {
    if (told % 500 === 0) await installMany(Math.min(500, 2 * 2_048 + 1 - told));
    await attentive.next();
  }
  await attentive.next();
  await expect(lagging.next()).rejects.toThrow(Lagged);
  expect(await lagging.next()).toEqual({ done: true, value: undefined });
});

test('who stays away for long, and misses nothing that is no longer at hand, goes on', async () => {
  feed = feedWith({ patience: -1 });
  const subscription = await feed.transitions(null, undefined);
  await installMany(3);
  const positions = [];
  for (let told = 0; told < 3; told += 1)
    positions.push((await subscription.next()).value?.position);
  const [first = ''] = positions;
  expect(positions.map(Number)).toEqual([0, 1, 2].map((more) => Number(first) + more));
});

test('a place that the feed has not reached is refused, the last one is not', async () => {
  await installMany(1);
  const end = await kept.reader.census();
  const position = String(Number(end.position) + 1);
  await expect(feed.transitions(null, { position, fingerprint: null })).rejects.toThrow(BeyondEnd);
  await expect(feed.transitions(null, { ...end, position })).rejects.toThrow(FeedRewound);
  const subscription = await feed.transitions(null, end);
  await installMany(1);
  expect((await subscription.next()).value?.position).toBe(position);
});

test('there are no changes of what is not there', async () => {
  expect(await feed.changes(newId())).toBeNull();
});

test('whoever waits when the feed stops is told that nothing follows', async () => {
  const subscription = await feed.transitions(null, undefined);
  const waiting = subscription.next();
  await feed.stop();
  expect(await waiting).toEqual({ done: true, value: undefined });
});

test('an end is an end at any moment, and a second one is none', async () => {
  const subscription = await feed.transitions(null, undefined);
  const waiting = subscription.next();
  await subscription.return?.();
  await subscription.return?.();
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(await subscription.next()).toEqual({ done: true, value: undefined });
});

test('the tail has what was appended, from some place on, and says where that is', () => {
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
          // The last ones are always there; of those before, all or none.
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
