/**
 * Tests the feed: every transition that clients made on both instances comes once, in the order of positions, from any
 * place on. With several partitions, each one's transitions come in this order.
 */
import type { AnyLifecycle, MachinePhase } from '../../src/machine';
import type { Page, PageRequest } from '../../src/operations/page';
import { partitionOf } from '../../src/operations/partition';
import type { Claim, Place } from '../../src/operations/place';
import { claimOf } from '../../src/store/place';
import type { Transition } from '../../src/store/transition';
import type { Instance } from './Instance';
import { type Answers, type SuiteContext, anonymous, newId } from './Scene';
import { type Walk, momentOf } from './Ways';

type Told = Transition<AnyLifecycle>;

/** Small enough for several pages. */
const SIZE = 7;

/** How many machines take each walk. */
const MACHINES = 5;

export function describeFeed({ lifecycle, ways, data, scene }: SuiteContext): void {
  const { events, states, machine } = lifecycle;
  const { initial } = machine.declaration;
  /** The end of the feed before the test's transitions. */
  let start: Claim;
  let startPlace: Place;
  let countsBefore: Readonly<Record<string, number>>;
  /** The answers that the clients got, for each machine. */
  let done: readonly Answers[];
  /** All transitions since then, read page by page. */
  let feed: readonly Told[];
  /** What a subscriber on the other instance received meanwhile. */
  let told: readonly Told[];
  /** The same for subscribers that each filter by one event and the beginnings. */
  let toldBy: ReadonlyMap<string, readonly Told[]>;

  beforeAll(async () => {
    const { here, there } = scene();
    const { place, counts } = await here.reader.census();
    start = claimOf(place);
    startPlace = place;
    countsBefore = counts;
    const subscription = await there.feed.transitions(null, undefined);
    const byEvent = await Promise.all(
      events.map(async (event) => there.feed.transitions([event, initial.event], undefined)),
    );
    const walks = ways.walks.flatMap((walk) => Array<Walk>(MACHINES).fill(walk));
    done = await scene().bringAll(walks);
    const sentinels = await beginSentinels();
    told = await upTo(sentinels, subscription);
    toldBy = new Map(
      await Promise.all(
        byEvent.map(async (each, index): Promise<[string, readonly Told[]]> => {
          return [events[index] ?? '', await upTo(sentinels, each)];
        }),
      ),
    );
    done = [...done, ...sentinels.map((sentinel): Answers => [sentinel])];
    feed = await pages(here, null, 'start');
  });

  test('every transition comes once, in the order of positions, and each machine’s in the order of versions', () => {
    for (const [partition, { position: startPosition }] of startPlace.entries()) {
      const inPartition = feed.filter((transition) => transition.partition === partition);
      const positions = inPartition.map(({ position }) => Number(position));
      expect(positions).toEqual(positions.map((_, index) => Number(startPosition) + 1 + index));
    }
    const byMachine = done.map(([{ state }]) =>
      feed.filter(({ phase }) => phase.state.id === state.id).map(({ phase }) => phase),
    );
    expect(byMachine).toEqual(done);
    expect(feed).toHaveLength(done.flat().length);
  });

  test('a subscriber on the other instance receives the same transitions, or those of its filter', () => {
    expectSame(told, feed);
    for (const [wanted, some] of toldBy) {
      const filter = [wanted, initial.event];
      expectSame(
        some,
        feed.filter(({ event }) => filter.includes(event)),
      );
    }
  });

  test('both instances have the same pages, in both directions', async () => {
    const all = await since(start);
    for (const instance of scene().instances) {
      for (const from of ['start', 'end'] as const) {
        expectSame(await pages(instance, null, from), all);
      }
    }
  });

  test('a filter by events brings those events alone', async () => {
    const { there } = scene();
    const subscriptions = await Promise.all(
      events.map(async (event) => there.feed.transitions([event, initial.event], start)),
    );
    const sentinels = await beginSentinels();
    const all = await since(start);
    const by = (filter: readonly string[]): readonly Told[] =>
      all.filter(({ event }) => filter.includes(event));
    for (const [index, event] of events.entries()) {
      const [one, two] = [[event], [event, initial.event]];
      for (const filter of [one, two]) {
        expectSame(await pages(there, filter, 'start'), by(filter));
        expectSame(await pages(there, filter, 'end'), by(filter));
      }
      const subscription = subscriptions[index];
      expectSame(subscription ? await upTo(sentinels, subscription) : [], by(two));
    }
    expect(await pages(there, [], 'start')).toEqual([]);
  });

  test('pages and subscriptions go on from any place', async () => {
    const some = [...feed.filter((_, index) => index % 5 === 0), ...feed.slice(-1)];
    const places = [start, ...some.map(claimAfter)];
    const subscriptions = [];
    for (const [index, place] of places.entries()) {
      const { feed: following } = scene().instances[index % 2 === 0 ? 0 : 1];
      subscriptions.push(await following.transitions(null, place));
    }
    const sentinels = await beginSentinels();
    for (const [index, subscription] of subscriptions.entries()) {
      const place = places[index] ?? start;
      expectSame(await upTo(sentinels, subscription), await since(place));
    }
  });

  test('a subscriber to one machine receives each of its phases, and its end', async () => {
    const { here, there } = scene();
    const [[beginning, ...steps]] = ways.walks;
    const begun = await scene().bring([beginning]);
    const { id } = begun.state;
    const subscription = await there.feed.changes(id);
    const phases = [begun];
    for (const { event, data: said } of steps) {
      const { version } = phases.at(-1)?.state ?? begun.state;
      const { now, occurredAt } = momentOf(version);
      scene().clock = now;
      const answer = await here.store.transition(id, event, said, { ...anonymous, occurredAt });
      phases.push(answer as MachinePhase);
      // A subscriber to this machine must receive nothing of another one.
      await beginSentinels();
    }
    const seen: unknown[] = [];
    while (seen.length < phases.length) seen.push((await subscription?.next())?.value);
    expect(seen).toEqual(phases);
    if (phases.at(-1)?.nextEvents.length === 0) {
      expect(await subscription?.next()).toMatchObject({ done: true });
    }
    await subscription?.return?.();
    expect(await there.feed.changes(newId())).toBeNull();
  });

  test('the census has counted the transitions of the feed', async () => {
    const { nodes: end } = await scene().there.reader.feed(null, { from: 'end', size: 1 });
    const census = await scene().there.reader.census();
    const { place, partition, position, fingerprint } = census;
    expect(end).toMatchObject([{ place, partition, position, fingerprint }]);
    const counts = Object.fromEntries(states.map((state) => [state, countsBefore[state] ?? 0]));
    for (const { from, phase } of await since(start)) {
      if (from !== null) counts[from] = (counts[from] ?? 0) - 1;
      counts[phase.stateType] = (counts[phase.stateType] ?? 0) + 1;
    }
    expect({ ...Object.fromEntries(states.map((state) => [state, 0])), ...census.counts }).toEqual(
      counts,
    );
    const rows = await scene().query<{ state: string; number: number }>(
      `SELECT state_type AS state, count(*)::integer AS number
       FROM ${scene().shape.records} GROUP BY 1`,
    );
    expect(Object.fromEntries(rows.map(({ state, number }) => [state, number]))).toEqual(
      Object.fromEntries(Object.entries(counts).filter(([, number]) => number > 0)),
    );
  });

  /**
   * Begins a sentinel in each partition: a subscriber that has received them all has received everything before them.
   */
  async function beginSentinels(): Promise<readonly MachinePhase[]> {
    const [said] = data.of(initial.event, null);
    const { store } = scene().here;
    return Promise.all(
      startPlace.map(async (_, partition) => store.begin(idIn(partition), said, anonymous)),
    );
  }

  function idIn(partition: number): string {
    for (;;) {
      const id = newId();
      if (partitionOf(id, startPlace.length) === partition) return id;
    }
  }

  /** What a subscriber receives up to the last one of the sentinels. */
  async function upTo(
    sentinels: readonly MachinePhase[],
    subscription: AsyncIterableIterator<Told, undefined>,
  ): Promise<readonly Told[]> {
    const all: Told[] = [];
    const missing = new Set(sentinels.map(({ state }) => state.id));
    for await (const transition of subscription) {
      all.push(transition);
      missing.delete(transition.phase.state.id);
      if (missing.size === 0) break;
    }
    return all;
  }

  /**
   * Expects the same transitions of two readings, in the same order. With several partitions, each reading merges them
   * in an order of its own, in which its places are.
   */
  function expectSame(one: readonly Told[], other: readonly Told[]): void {
    const ofEach = (all: readonly Told[]): unknown =>
      startPlace.map((_, partition) =>
        all
          .filter((told) => told.partition === partition)
          .map((told) => (startPlace.length === 1 ? told : { ...told, place: undefined })),
      );
    expect(ofEach(one)).toEqual(ofEach(other));
  }

  async function since(place: Claim): Promise<readonly Told[]> {
    return pages(scene().here, null, 'start', place);
  }

  /** All transitions after a place, page by page. */
  async function pages(
    { reader }: Instance,
    filter: readonly string[] | null,
    from: 'start' | 'end',
    after: Claim = start,
  ): Promise<readonly Told[]> {
    let all: Told[] = [];
    let at: Claim | undefined;
    let page: Page<Told>;
    do {
      const bounds: Pick<PageRequest<Claim>, 'after' | 'before'> = from === 'start'
        ? { after: at ?? after }
        : { after, before: at };
      page = await reader.feed(filter, { from, size: SIZE, ...bounds });
      all = from === 'start' ? [...all, ...page.nodes] : [...page.nodes, ...all];
      const last = page.nodes.at(from === 'start' ? -1 : 0);
      at = last && claimAfter(last);
    } while (from === 'start' ? page.hasNextPage : page.nodes.length === SIZE);
    return all;
  }
}

/** The place after a transition of the feed, as its cursor says it. */
function claimAfter({ place = [], partition }: Told): Claim {
  return claimOf(place, partition);
}
