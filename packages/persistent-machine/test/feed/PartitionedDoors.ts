/**
 * Doors in a database with several partitions, and two instances of a service. Reads by SQL what the feed must tell, in
 * the order of commits, and knows what every reading of the feed must have in common.
 */
import { Client } from 'pg';
import { type Instance, startInstance } from '../describeMachine/Instance';
import { type Cursors, cursorsOf } from '../../src/graphql/cursors';
import { namesOf } from '../../src/graphql/names';
import { partitionOf } from '../../src/operations/partition';
import { type Claim, type ClaimedPlace, isPlace } from '../../src/operations/place';
import type { Transition } from '../../src/store/transition';
import { openWithTablesOf } from '../integrity/databases';
import { door, doors } from '../machine/door';
import { anonymous, newId } from '../store/KeptMachines';

export type Told = Transition<typeof doors>;

/** A row of the history. */
export interface Recorded {
  readonly id: string;
  readonly partition: number;
  readonly position: number;
  readonly event: string;
  readonly from: string | null;
  readonly to: string;
  readonly recordedAt: Date;
}

/** Events, of which a reading wants only those; null for all. */
export type Filter = readonly string[] | null;

const cursors: Cursors = cursorsOf(namesOf(door));

/** What a client's cursor says: it is written as for a client, and read again. */
export function claimOf(node: Parameters<Cursors['feed']['of']>[0]): Claim {
  return cursors.feed.parse(cursors.feed.of(node), 'after');
}

/** The same for what was read from the feed, or for the census. */
export function placeOf(node: Parameters<Cursors['feed']['of']>[0]): ClaimedPlace {
  const claim = claimOf(node);
  if (!isPlace(claim)) throw new Error('It was not read from the feed.');
  return claim;
}

export class PartitionedDoors {
  private constructor(
    readonly url: string,
    readonly partitions: readonly number[],
    readonly instances: readonly [here: Instance<typeof doors>, there: Instance<typeof doors>],
    /** A session of the tables' owner. */
    readonly session: Client,
    readonly close: () => Promise<void>,
  ) {}

  /**
   * @param partitions their number
   * @param now the clock of each instance, by its index
   */
  static async open(
    partitions: number,
    now: (instance: 0 | 1) => Date = () => new Date(),
  ): Promise<PartitionedDoors> {
    const { url, drop } = await openWithTablesOf(door, partitions)();
    const here = await startInstance(doors, url, () => now(0), partitions);
    const there = await startInstance(doors, url, () => now(1), partitions);
    const session = new Client({ connectionString: url });
    await session.connect();
    const close = async (): Promise<void> => {
      for (const { stop } of [here, there]) await stop();
      await session.end();
      await drop();
    };
    const numbers = Array.from({ length: partitions }, (_, partition) => partition);
    return new PartitionedDoors(url, numbers, [here, there], session, close);
  }

  /** A new id in a partition. */
  idIn(partition: number): string {
    for (;;) {
      const id = newId();
      if (partitionOf(id, this.partitions.length) === partition) return id;
    }
  }

  /** Installs a door in each partition, and returns their ids. */
  async installInEach(): Promise<readonly string[]> {
    const { store } = this.instances[0];
    const ids = this.partitions.map((partition) => this.idIn(partition));
    await Promise.all(ids.map(async (id) => store.begin(id, {}, anonymous)));
    return ids;
  }

  /** Opens and closes several doors in each partition through both instances, all at once. */
  async moveMany(times: number): Promise<void> {
    const moving = this.partitions.flatMap((partition) =>
      [0, 1, 0, 1].map(async (_, index) => {
        const id = this.idIn(partition);
        for (let time = 0; time < times; time += 1) {
          const { store } = this.instances[(index + time) % 2 === 0 ? 0 : 1];
          if (time === 0) await store.begin(id, {}, anonymous);
          else await store.transition(id, time % 2 === 1 ? 'Opening' : 'Closing', {}, anonymous);
        }
      }),
    );
    await Promise.all(moving);
  }

  /** All transitions by partition, in the order of commits. */
  async history(): Promise<readonly (readonly Recorded[])[]> {
    const { rows } = await this.session.query<Recorded>(
      `SELECT door_id AS id, partition, position::integer, event, from_state_type AS from,
              state_type AS to, recorded_at AS "recordedAt"
       FROM door_transitions ORDER BY partition, position`,
    );
    return this.partitions.map((partition) => rows.filter((row) => row.partition === partition));
  }

  /**
   * What a subscriber is told up to the beginnings of some doors.
   *
   * @param last one in each partition: a subscriber that is told them all has been told everything before them
   */
  async toldUpTo(
    last: readonly string[],
    subscription: AsyncIterableIterator<Told, undefined>,
  ): Promise<readonly Told[]> {
    const told: Told[] = [];
    const missing = new Set(last);
    while (missing.size > 0) {
      const { value } = await subscription.next();
      if (value === undefined) throw new Error('The subscription has ended.');
      told.push(value);
      missing.delete(value.phase.state.id);
    }
    return told;
  }
}

export function accepts(filter: Filter, { event }: Pick<Recorded, 'event'>): boolean {
  return filter === null || filter.includes(event);
}

/**
 * Expects that a subscriber has been told all that follows a place: once, in each partition in the order of commits.
 * The place of each transition must be one after which comes what was told later, no more and no less.
 */
export function expectTold(
  history: readonly (readonly Recorded[])[],
  told: readonly Told[],
  after: ClaimedPlace,
  filter: Filter = null,
): void {
  const wanted = history.map((rows, partition) => {
    const start = Number(after.positions[partition]);
    const later = rows.filter((row) => row.position > start && accepts(filter, row));
    return [start, ...later.map(({ position }) => position)];
  });
  const positions = wanted.map(([first = 0], partition) => [
    first,
    ...told.filter((each) => each.partition === partition).map(({ position }) => Number(position)),
  ]);
  expect(positions).toEqual(wanted);
  const number = wanted.map(() => 0);
  const wrong = told.filter(({ partition, place }) => {
    number[partition] = (number[partition] ?? 0) + 1;
    return !wanted.every((each, index) => {
      const mark = Number(place?.[index]?.position);
      const [last = NaN, next = Infinity] = each.slice(number[index]);
      return mark >= last && mark < next;
    });
  });
  expect(wrong).toEqual([]);
}

/** The positions of a place, as numbers. */
export function positionsOf({ place = [] }: Pick<Told, 'place'>): readonly number[] {
  return place.map(({ position }) => Number(position));
}
