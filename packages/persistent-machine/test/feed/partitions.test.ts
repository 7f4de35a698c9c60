/**
 * Tests subscribers to doors in several partitions while two instances commit in all of them: whatever cursor they come
 * with, and whichever instance told it, they are told everything once.
 */
import { Feed } from '../../src/feed/Feed';
import { WakeUps } from '../../src/feed/WakeUps';
import { TAIL_PAGE } from '../../src/operations/feedPage';
import { type ClaimedPlace, beginning } from '../../src/operations/place';
import { claimOf } from '../../src/store/place';
import type { doors } from '../machine/door';
import { anonymous } from '../store/KeptMachines';
import {
  type Filter,
  PartitionedDoors,
  type Recorded,
  type Told,
  expectTold,
  placeOf,
} from './PartitionedDoors';

const PARTITIONS = 4;
const BEGINNING = claimOf(beginning(PARTITIONS));
const FILTERS: readonly Filter[] = [null, ['Installation'], ['Installation', 'Opening']];

interface Follower {
  readonly after: ClaimedPlace;
  readonly filter: Filter;
  readonly subscription: AsyncIterableIterator<Told, undefined>;
}

let kept: PartitionedDoors;
/** Doors that no test touches, and their rows. */
let bystanders: readonly string[];
let before: readonly Recorded[];
/** The feeds that a test has made. */
let feeds: Feed<typeof doors>[];

beforeAll(async () => {
  // Clocks differ by up to half a second.
  const now = (): Date => new Date(Date.now() - Math.floor(Math.random() * 500));
  kept = await PartitionedDoors.open(PARTITIONS, now);
  bystanders = await kept.installInEach();
  before = await rowsOfBystanders();
});

beforeEach(() => {
  feeds = [];
});

afterEach(async () => {
  for (const feed of feeds) await feed.stop();
  expect(await rowsOfBystanders()).toEqual(before);
});

afterAll(async () => {
  await kept.close();
});

async function rowsOfBystanders(): Promise<readonly Recorded[]> {
  return (await kept.history()).flat().filter(({ id }) => bystanders.includes(id));
}

/** Another feed of an instance, whose tail begins with its first subscriber. No commit wakes it; it only polls. */
function newFeed({ reader, store }: PartitionedDoors['instances'][number]): Feed<typeof doors> {
  const fail = (error: unknown): never => {
    throw error;
  };
  const feed = new Feed(reader, store, {
    wakeUps: new WakeUps({ url: kept.url, channels: ['doors'], listen: false }),
    channel: 'doors',
    patience: 60_000,
    onFailure: fail,
    onRewound: fail,
  });
  feeds.push(feed);
  return feed;
}

async function follow(
  feed: Feed<typeof doors>,
  after: ClaimedPlace,
  filter: Filter,
): Promise<Follower> {
  return { after, filter, subscription: await feed.transitions(filter, after) };
}

/** Expects that each follower is told everything once, up to some doors that have been installed last. */
async function expectAllTold(last: readonly string[], all: readonly Follower[]): Promise<void> {
  const history = await kept.history();
  for (const { after, filter, subscription } of all) {
    expectTold(history, await kept.toldUpTo(last, subscription), after, filter);
  }
}

test('subscribers that come while both instances commit are told everything once, after any cursor of the other instance', async () => {
  const [here, there] = kept.instances;
  const start = placeOf(await here.reader.census());
  const live = await there.feed.transitions(null, undefined);
  const moving = kept.moveMany(40);
  const followers: Follower[] = [];
  const told: Told[] = [];
  while (told.length < 16 * 40) {
    const { value } = await live.next();
    if (value === undefined) throw new Error('The subscription has ended.');
    told.push(value);
    if (told.length % 16 > 0) continue;
    const filter = FILTERS[(told.length / 16) % FILTERS.length] ?? null;
    followers.push(
      await follow(here.feed, placeOf(value), filter),
      await follow(there.feed, placeOf(value), filter),
      await follow(here.feed, BEGINNING, filter),
    );
  }
  await moving;
  const last = await kept.installInEach();
  told.push(...(await kept.toldUpTo(last, live)));
  expectTold(await kept.history(), told, start);
  await expectAllTold(last, followers);
});

test('a subscriber goes on after each cursor that the other instance told, from memory and from the table', async () => {
  const [here, there] = kept.instances;
  const live = await here.feed.transitions(null, undefined);
  // The tail of this feed has all from now on. That of the other one begins later.
  const inMemory = newFeed(there);
  const early = await follow(inMemory, placeOf(await there.reader.census()), null);
  await kept.moveMany(4);
  const told = await kept.toldUpTo(await kept.installInEach(), live);
  expect(told).toHaveLength(17 * PARTITIONS);
  const fromTable = newFeed(there);
  const moving = kept.moveMany(4);
  const followers = [early];
  for (const [index, transition] of told.entries()) {
    for (const feed of [inMemory, fromTable]) {
      const filter = FILTERS[index % FILTERS.length] ?? null;
      followers.push(await follow(feed, placeOf(transition), filter));
    }
  }
  await moving;
  await expectAllTold(await kept.installInEach(), followers);
});

test('a subscriber from the table is told all of a partition that has more than its share of a page', async () => {
  const [here, there] = kept.instances;
  const start = placeOf(await here.reader.census());
  const ids = Array.from({ length: TAIL_PAGE }, () => kept.idIn(2));
  await Promise.all(ids.map(async (id) => here.store.begin(id, {}, anonymous)));
  const followers = await Promise.all(
    FILTERS.map(async (filter) => follow(newFeed(there), start, filter)),
  );
  await expectAllTold(await kept.installInEach(), followers);
});

describe('while the tail looks only if the test has it look,', () => {
  beforeEach(() => {
    // No poll, which would look, too.
    const timer = setTimeout(() => undefined, 0);
    jest.spyOn(globalThis, 'setInterval').mockReturnValue(timer);
  });

  afterEach(() => {
    jest.restoreAllMocks();
  });

  test('subscribers that are further than the tail, in all partitions or in some, are told everything once', async () => {
    const [here] = kept.instances;
    const feed = newFeed(here);
    const start = placeOf(await here.reader.census());
    const attentive = await follow(feed, start, null);
    const followers = [attentive];
    /** A subscriber after each place since the start, which reads as far as it can, and some that filter. */
    const join = async (newest: readonly string[]): Promise<void> => {
      const { nodes } = await here.reader.feed(null, { from: 'start', size: 100, after: start });
      for (const after of [BEGINNING, start, ...nodes.map(placeOf)]) {
        for (const filter of FILTERS) followers.push(await follow(feed, after, filter));
      }
      // These come from the table, and are now as far as the newest doors.
      for (const filter of FILTERS) {
        const { subscription } = await follow(feed, BEGINNING, filter);
        const told = await kept.toldUpTo(newest, subscription);
        const last = told.at(-1);
        if (last === undefined) throw new Error('Nothing was told.');
        followers.push({ after: placeOf(last), filter, subscription });
      }
    };

    await join(await kept.installInEach());
    await join(await kept.installInEach());
    const seen = await kept.installInEach();
    feed.changed();
    // Now the tail has all of these. It does not look at the following ones before the end.
    const told = await kept.toldUpTo(seen, attentive.subscription);
    expectTold((await kept.history()).map(upTo(seen)), told, start);
    followers[0] = { ...attentive, after: placeOf(told.at(-1) ?? failed()) };
    await join(await kept.installInEach());
    await join(await kept.installInEach());
    const last = await kept.installInEach();
    feed.changed();
    await expectAllTold(last, followers);
  });
});

function failed(): never {
  throw new Error('Nothing was told.');
}

/** @returns a function that cuts a partition's rows off after one of these doors */
function upTo(ids: readonly string[]): (rows: readonly Recorded[]) => readonly Recorded[] {
  return (rows) => rows.slice(0, 1 + rows.findIndex(({ id }) => ids.includes(id)));
}

test('the census counts exactly up to its place, while both instances commit in all partitions', async () => {
  const [here, there] = kept.instances;
  const moving = kept.moveMany(20);
  const read = [];
  for (let time = 0; time < 30; time += 1) {
    read.push(await here.reader.census(), await there.reader.census());
  }
  await moving;
  const history = await kept.history();
  for (const census of [...read, await here.reader.census()]) {
    const { positions } = await here.reader.subscribers.prove(placeOf(census)).then(claimOf);
    const counts: Record<string, number> = { Open: 0, Closed: 0, Locked: 0 };
    for (const { partition, position, from, to } of history.flat()) {
      if (position > Number(positions[partition])) continue;
      counts[to] = (counts[to] ?? 0) + 1;
      if (from !== null) counts[from] = (counts[from] ?? 0) - 1;
    }
    expect(census.counts).toEqual(counts);
    expect(census).toMatchObject({ ...census.place[census.partition] });
  }
  expect(new Set(read.map(({ place }) => JSON.stringify(place))).size).toBeGreaterThan(2);
});
