/**
 * Tests hundreds of subscribers that come back at the same moment: how many statements they cost, and how many of the
 * pool's connections they take at once. The other connections stay free for changes.
 */
import { Feed } from '../../src/feed/Feed';
import { WakeUps } from '../../src/feed/WakeUps';
import { Open, doors } from '../machine/door';
import { KeptMachines, anonymous, newId } from '../store/KeptMachines';

/** In these tests nothing notifies this channel. */
const CHANNEL = 'door_transitions';

const SUBSCRIBERS = 300;
const DOORS = 1_300;
const OPENED = 50;
const PAGES = 40;
const BEGINNING = { positions: ['0'], fingerprint: null, partition: 0 };

let kept: KeptMachines<typeof doors>;
let feed: Feed<typeof doors>;
let ids: readonly string[];

/** How many statements with such a name were sent, and how many of them at most were in flight at once. */
function countOf(name: string): { readonly sent: number; readonly most: number } {
  const sent = kept.database.sent.filter((each) => each.name.startsWith(name));
  const most = new Map<string, number>();
  for (const { name: each, inFlight } of sent) {
    most.set(each, Math.max(most.get(each) ?? 0, inFlight));
  }
  return { sent: sent.length, most: [...most.values()].reduce((sum, each) => sum + each, 0) };
}

beforeAll(async () => {
  kept = await KeptMachines.of(doors, { statementTimeout: 10_000, timeout: 20_000 });
  const fail = (error: unknown): never => {
    throw error;
  };
  feed = new Feed(kept.reader, kept.store, {
    wakeUps: new WakeUps({ url: kept.url, channels: [CHANNEL], listen: false }),
    channel: CHANNEL,
    patience: 60_000,
    onFailure: fail,
    onRewound: fail,
  });
  ids = Array.from({ length: DOORS }, newId);
  await Promise.all(ids.map((id) => kept.store.begin(id, {}, anonymous)));
});

beforeEach(() => {
  kept.database.sent.length = 0;
});

afterAll(async () => {
  await feed.stop();
  await kept.close();
});

test('equal pages are read once, and doors can be opened meanwhile', async () => {
  const subscribers = await Promise.all(
    // A filter by all events, which gives their statement another name than the tail's.
    Array.from({ length: SUBSCRIBERS }, async () => feed.transitions(doors.events, BEGINNING)),
  );
  // To find the end of the feed, and to prove a place: the groups in flight, and one more.
  expect(countOf('door_ledger/census').sent).toBeLessThanOrEqual(3);
  expect(countOf('door_transitions/witnesses').sent).toBeLessThanOrEqual(2);
  const opening = Promise.all(
    ids.slice(0, OPENED).map(async (id) => kept.store.transition(id, 'Opening', {}, anonymous)),
  );
  for (let told = 1; told <= DOORS; told += 1) {
    const positions = await Promise.all(
      subscribers.map(async (subscriber) => (await subscriber.next()).value?.position),
    );
    expect(new Set(positions)).toEqual(new Set([String(told)]));
  }
  for (const opened of await opening) expect(opened).toBeInstanceOf(Open);
  const { sent, most } = countOf('door_transitions/tail/by');
  expect(most).toBeLessThanOrEqual(2);
  expect(sent).toBeLessThanOrEqual(3 * Math.ceil(DOORS / 500));
  for (const subscriber of subscribers) await subscriber.return?.();
  // The others are bystanders.
  expect((await kept.reader.census()).counts).toMatchObject({
    Closed: DOORS - OPENED,
    Open: OPENED,
  });
});

test('different pages are read two at a time', async () => {
  const { nodes } = await kept.reader.feed(null, { from: 'start', size: 2 * PAGES });
  const places = nodes.flatMap(({ place = [] }, index) => (index % 2 === 0 ? [place] : []));
  const pages = await Promise.all(
    places.map(async (place) => kept.reader.subscribers.catchUp(['Installation'], place)),
  );
  expect(pages.map(({ nodes }) => nodes[0]?.position)).toEqual(
    places.map(([mark]) => String(Number(mark?.position) + 1)),
  );
  expect(countOf('door_transitions/tail')).toEqual({ sent: PAGES, most: 2 });
});

test('the next versions of many doors are read in groups, one group after the other', async () => {
  const begun = await Promise.all(
    ids.slice(0, SUBSCRIBERS).map((id) => kept.reader.past(id, { version: 1 })),
  );
  const pages = await Promise.all(
    begun.map(async (door) => (door === null ? null : kept.reader.subscribers.following(door))),
  );
  expect(pages.map((page) => page?.nodes.map(({ event }) => event))).toEqual(
    begun.map((_door, index) => (index < OPENED ? ['Opening'] : [])),
  );
  const { sent, most } = countOf('door_transitions/following');
  expect(most).toBe(1);
  expect(sent).toBeLessThanOrEqual(1 + Math.ceil(SUBSCRIBERS / 32));
});

test('concurrent readings of the ledger’s size share one statement', async () => {
  const sizes = await Promise.all(
    Array.from({ length: SUBSCRIBERS }, async () => kept.reader.ledgerSize()),
  );
  expect(new Set(sizes)).toEqual(new Set([expect.any(Number)]));
  expect(countOf('door_ledger/size')).toEqual({ sent: 1, most: 1 });
});
