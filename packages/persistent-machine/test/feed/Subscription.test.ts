/**
 * Tests subscribers on a feed that is made up: several partitions, a small tail, and readings that each merge the
 * partitions in another order. So the tail and its subscribers pass each other in every possible way.
 */
import fc from 'fast-check';
import { Subscription } from '../../src/feed/Subscription';
import { Tail } from '../../src/feed/Tail';
import type { Page } from '../../src/operations/page';
import { type Place, advanced, beginning, markAt } from '../../src/operations/place';
import type { Transition } from '../../src/store/transition';
import { Closed, doors } from '../machine/door';

type Told = Transition<typeof doors>;

const EVENTS = ['Installation', 'Slamming'] as const;
const MOMENT = new Date(0);
const phase = doors.begin('01990000-0000-7000-8000-000000000000', {}, MOMENT);

/** What happens, one after the other. Numbers choose a subscriber, a partition or a place. */
type Step =
  | { readonly kind: 'commit'; readonly number: number; readonly event: 0 | 1 }
  | { readonly kind: 'look' }
  | { readonly kind: 'subscribe'; readonly number: number; readonly isFiltered: boolean }
  | { readonly kind: 'ask'; readonly number: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      number: fc.nat(),
      event: fc.constantFrom(0 as const, 1 as const),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'look' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('subscribe' as const),
      number: fc.nat(),
      isFiltered: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('ask' as const), number: fc.nat() }) },
);

class Subscriber {
  readonly told: Told[] = [];
  /** The place after each of them. */
  readonly places: Place[] = [];
  #isWaiting = false;

  constructor(
    readonly after: Place,
    readonly accepts: (transition: Told) => boolean,
    readonly subscription: Subscription<typeof doors>,
  ) {}

  /** Asks for the next transition, if it does not wait for one. */
  async ask(): Promise<void> {
    if (!this.#isWaiting) {
      this.#isWaiting = true;
      void this.subscription.next().then(({ value }) => {
        this.#isWaiting = false;
        if (value === undefined) return;
        this.told.push(value);
        this.places.push(value.place ?? []);
      });
    }
    await settled();
  }
}

/** Waits until all that can go on has gone on. */
async function settled(): Promise<void> {
  await new Promise(setImmediate);
}

class MadeUpFeed {
  /** By partition, in the order of commits. */
  readonly table: Told[][];
  readonly subscribers: Subscriber[] = [];
  /** How many pages subscribers have read from the table. */
  reads = 0;
  readonly #tail: Tail<Told>;
  readonly #random: () => number;
  #end: Place;
  #waiting: (() => void)[] = [];

  /** @param share the most transitions of each partition in a page */
  constructor(
    readonly partitions: number,
    readonly share: number,
    capacity: number,
    seed: number,
  ) {
    this.table = Array.from({ length: partitions }, () => []);
    this.#end = beginning(partitions);
    this.#tail = new Tail(this.#end, capacity);
    let state = seed;
    this.#random = () => (state = (state * 48_271 + 11) % 2_147_483_647);
  }

  commit(number: number, event: 0 | 1): void {
    const partition = number % this.partitions;
    const rows = this.table[partition] ?? [];
    const position = String(rows.length + 1);
    rows.push({
      partition,
      ...markAt(position, `${partition} ${position}`),
      place: undefined,
      event: EVENTS[event],
      from: null,
      phase,
      data: null,
      occurredAt: MOMENT,
      recordedAt: MOMENT,
      actor: null,
    });
  }

  /** The next page after a place: a share of each partition, merged in any order that keeps each one's. */
  page(after: Place, accepts: (transition: Told) => boolean): Page<Told> {
    const rest = this.table.map((rows, partition) =>
      rows.slice(Number(after[partition]?.position)).filter(accepts),
    );
    const taken = rest.map((rows) => rows.slice(0, this.share));
    const nodes: Told[] = [];
    let place = after;
    while (taken.some(({ length }) => length > 0)) {
      const row = taken[this.#random() % this.partitions]?.shift();
      if (row === undefined) continue;
      place = advanced(place, row);
      nodes.push({ ...row, place });
    }
    const hasNextPage = rest.some(({ length }) => length > this.share);
    return { nodes, hasNextPage, hasPreviousPage: false };
  }

  async look(): Promise<void> {
    const { nodes } = this.page(this.#end, () => true);
    const last = nodes.at(-1);
    if (last === undefined) return;
    this.#tail.append(nodes);
    this.#end = last.place ?? this.#end;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const callback of waiting) callback();
    await settled();
  }

  /** A place that some reader was told, or the beginning, or the end of the tail. */
  place(number: number): Place {
    const places = this.subscribers.flatMap((each) => each.places);
    const all = [beginning(this.partitions), this.#end, ...places];
    return all[number % all.length] ?? this.#end;
  }

  subscribe(after: Place, accepts: (transition: Told) => boolean): void {
    const source = {
      tail: this.#tail,
      end: () => this.#end,
      onNews: (_machine: string | undefined, callback: () => void) => this.#waiting.push(callback),
      onRecovery: () => undefined,
      leave: () => undefined,
      patience: Infinity,
    };
    const topic = {
      accepts,
      read: async (reached: Place) => {
        this.reads += 1;
        const page = this.page(reached, accepts);
        // The answer comes later, and meanwhile there may be commits, and looks.
        await settled();
        return page;
      },
    };
    this.subscribers.push(new Subscriber(after, accepts, new Subscription(source, topic, after)));
  }
}

/** Expects that a subscriber was told each transition after its place once, with places to go on from. */
function expectTold({ table }: MadeUpFeed, { after, accepts, told, places }: Subscriber): void {
  const wanted = table.map((rows, partition) =>
    rows.slice(Number(after[partition]?.position)).filter(accepts),
  );
  const seen = table.map((_, partition) => told.filter((each) => each.partition === partition));
  const positions = (all: readonly Told[][]): string[][] =>
    all.map((each) => each.map(({ position }) => position));
  expect(positions(seen)).toEqual(positions(wanted));
  for (const [index, place] of places.entries()) {
    // What follows each place is what was told later.
    const rest = table.map((rows, partition) =>
      rows.slice(Number(place[partition]?.position)).filter(accepts),
    );
    const later = table.map((_, partition) =>
      told.slice(index + 1).filter((each) => each.partition === partition),
    );
    expect(positions(rest)).toEqual(positions(later));
  }
}

test('whatever the order in which it reads, a subscriber is told everything once, from any place of another one', async () => {
  expect(phase).toBeInstanceOf(Closed);
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        partitions: fc.integer({ min: 1, max: 4 }),
        share: fc.integer({ min: 1, max: 3 }),
        capacity: fc.integer({ min: 1, max: 4 }),
        seed: fc.integer({ min: 1, max: 1_000_000 }),
      }),
      fc.array(step, { maxLength: 80, size: 'max' }),
      async ({ partitions, share, capacity, seed }, steps) => {
        const feed = new MadeUpFeed(partitions, share, capacity, seed);
        const all = (): boolean => true;
        const some = ({ event }: Told): boolean => event === EVENTS[1];
        feed.subscribe(beginning(partitions), all);
        for (const each of steps) {
          switch (each.kind) {
            case 'commit':
              feed.commit(each.number, each.event);
              break;
            case 'look':
              await feed.look();
              break;
            case 'subscribe':
              feed.subscribe(feed.place(each.number), each.isFiltered ? some : all);
              break;
            case 'ask':
              await feed.subscribers[each.number % feed.subscribers.length]?.ask();
          }
        }
        // All go on to the end, and each asks once more than there is.
        const total = feed.table.flat().length;
        for (let round = 0; round <= 2 * total; round += 1) {
          await feed.look();
          for (const subscriber of feed.subscribers) await subscriber.ask();
        }
        // Now all wait for the tail, and none reads the table for what may come.
        feed.reads = 0;
        await settled();
        await settled();
        expect(feed.reads).toBe(0);
        for (const subscriber of feed.subscribers) {
          expectTold(feed, subscriber);
          subscriber.subscription.end();
        }
      },
    ),
    { numRuns: 200 },
  );
});
