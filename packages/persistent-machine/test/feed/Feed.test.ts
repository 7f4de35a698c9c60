/** The feed itself, on a store without a server: its tail, its patience, and what goes wrong below it. */
import fc from 'fast-check';
import { Feed } from '../../src/feed/Feed';
import { WakeUps } from '../../src/feed/WakeUps';
import { type Placed, Tail } from '../../src/feed/Tail';
import { advanced, beginning, markAt } from '../../src/operations/place';
import { Lagged } from '../../src/feed/errors';
import { BeyondEnd, FeedRewound, claimOf } from '../../src/store/place';
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
  const claim = claimOf(end.place);
  const beyond = { ...claim, positions: [position] };
  await expect(feed.transitions(null, { ...beyond, fingerprint: null })).rejects.toThrow(BeyondEnd);
  await expect(feed.transitions(null, beyond)).rejects.toThrow(FeedRewound);
  const subscription = await feed.transitions(null, claim);
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
        // The last ones are always there; of those before, all or none.
        const kept = Math.min(capacity, feed.length);
        expect(isThere.slice(feed.length - kept)).toEqual(Array(kept + 1).fill(true));
        expect(isThere.toSorted()).toEqual(isThere);
        for (const [index, place] of places.entries()) {
          const first = tail.startAfter(place);
          if (first === undefined) continue;
          expect(tail.has(first)).toBe(true);
          const rest = [];
          for (let at = first; tail.at(at) !== undefined; at += 1) rest.push(tail.at(at));
          // It may begin earlier, with what the subscriber has.
          expect(rest.slice(rest.length - (feed.length - index))).toEqual(feed.slice(index));
        }
      },
    ),
  );
});
