/**
 * Tests cursors that the feed did not give: those of a door's history, which name one transition only, and those of a
 * database with another number of partitions.
 */
import type { Claim } from '../../src/operations/place';
import { FeedRewound, claimOf as claimAt } from '../../src/store/place';
import { anonymous } from '../store/KeptMachines';
import {
  PartitionedDoors,
  type Told,
  claimOf,
  expectTold,
  placeOf,
  positionsOf,
} from './PartitionedDoors';

const PARTITIONS = 4;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** By how much the clock of one instance is behind that of the other. */
const BEHIND = 20 * SECOND;
const DOORS = 60;

let time = Date.UTC(2026, 0, 1);
let kept: PartitionedDoors;
/** The transitions as histories show them, in the order of commits. */
let lone: readonly Told[];

beforeAll(async () => {
  kept = await PartitionedDoors.open(PARTITIONS, (instance) => new Date(time - instance * BEHIND));
  const ids: string[] = [];
  for (let index = 0; index < DOORS; index += 1) {
    // Partitions in no regular order, of which one has much more than the others.
    const id = kept.idIn([0, 1, 2, 0, 0, 3, 0, 2, 1, 0, 0][index % 11] ?? 0);
    ids.push(id);
    await kept.instances[index % 3 === 1 ? 1 : 0].store.begin(id, {}, anonymous);
    time += 10 * SECOND;
  }
  const pages = await Promise.all(
    ids.map(async (id) => kept.instances[0].reader.history(id, { from: 'start', size: 1 })),
  );
  lone = pages.flatMap(({ nodes }) => nodes);
  expect(lone).toHaveLength(DOORS);
});

afterAll(async () => {
  await kept.close();
});

const isIn =
  (some: readonly Told[]) =>
  ({ partition, position }: Told): boolean =>
    some.some((each) => each.partition === partition && each.position === position);

async function expectRewound(doors: PartitionedDoors, claim: Claim): Promise<void> {
  for (const { reader, feed } of doors.instances) {
    for (const request of [
      { from: 'start', size: 0, after: claim } as const,
      { from: 'end', size: 5, before: claim } as const,
    ]) {
      await expect(reader.feed(null, request)).rejects.toThrow(FeedRewound);
    }
    await expect(feed.transitions(null, claim)).rejects.toThrow(FeedRewound);
  }
}

test('the cursor of a transition in a history begins after it, misses nothing after it, and repeats about a minute', async () => {
  const [here, there] = kept.instances;
  const last = await kept.installInEach();
  const history = await kept.history();
  const { nodes: all } = await here.reader.feed(null, { from: 'start', size: 100 });
  let repeated = 0;
  for (const [index, transition] of lone.entries()) {
    expect(transition.place).toBeUndefined();
    const claim = claimOf(transition);
    const { nodes, hasNextPage } = await there.reader.feed(null, {
      from: 'start',
      size: 100,
      after: claim,
    });
    expect(hasNextPage).toBe(false);
    const moment = transition.recordedAt.getTime();
    const first = kept.partitions.map((partition) =>
      nodes.find((node) => node.partition === partition),
    );
    expect(first[transition.partition]?.position).toBe(String(Number(transition.position) + 1));
    expect(nodes.filter((node) => node.recordedAt.getTime() < moment - MINUTE - BEHIND)).toEqual(
      [],
    );
    expect(lone.slice(index + 1).filter((each) => !isIn(nodes)(each))).toEqual([]);
    repeated += lone.slice(0, index).filter(isIn(nodes)).length;

    // A subscriber is told the same, and can go on from each of its cursors.
    const after = await here.reader.subscribers.prove(claim);
    const subscription = await there.feed.transitions(null, claim);
    const told = await kept.toldUpTo(last, subscription);
    await subscription.return?.();
    expectTold(history, told, claimAt(after));
    expect(told).toHaveLength(nodes.length);
    expect(told.every(isIn(nodes))).toBe(true);

    // The page before it has all others.
    const page = await here.reader.feed(null, { from: 'end', size: 100, before: claim });
    expect(page.hasNextPage).toBe(true);
    const rest = all.filter((node) => !isIn(nodes)(node) && !isIn([transition])(node));
    expect(page.nodes.map(({ fingerprint }) => fingerprint).sort()).toEqual(
      rest.map(({ fingerprint }) => fingerprint).sort(),
    );
  }
  // So the margin was needed: there was something to repeat.
  expect(repeated).toBeGreaterThan(DOORS);
});

test('the cursor of a transition in a history that does not exist any more is refused', async () => {
  const { store, reader } = kept.instances[0];
  const id = kept.idIn(2);
  await store.begin(id, {}, anonymous);
  const { nodes } = await reader.history(id, { from: 'start', size: 1 });
  const [gone] = nodes.map(claimOf);
  if (gone === undefined) throw new Error('It has not begun.');
  await reader.feed(null, { from: 'start', size: 1, after: gone });
  const bystanders = await kept.history();
  // As if the database had been restored from a backup of just before.
  await kept.session.query(`
    BEGIN;
    ALTER TABLE doors DISABLE TRIGGER USER;
    ALTER TABLE door_transitions DISABLE TRIGGER USER;
    ALTER TABLE door_ledger DISABLE TRIGGER USER;
    DELETE FROM doors WHERE id = '${id}';
    DELETE FROM door_transitions WHERE door_id = '${id}';
    UPDATE door_ledger SET position = position - 1,
      counts = counts || jsonb_build_object('Closed', (counts ->> 'Closed')::bigint - 1)
    WHERE partition = 2;
    SET CONSTRAINTS ALL IMMEDIATE;
    ALTER TABLE doors ENABLE TRIGGER USER;
    ALTER TABLE door_transitions ENABLE TRIGGER USER;
    ALTER TABLE door_ledger ENABLE TRIGGER USER;
    COMMIT`);
  await expectRewound(kept, gone);
  // Now another transition has its place.
  await kept.installInEach();
  await expectRewound(kept, gone);
  const others = await kept.history();
  expect(others.map((rows) => rows.slice(0, -1))).toEqual(
    bystanders.map((rows) => rows.filter((row) => row.id !== id)),
  );
});

test.each([1, 3])(
  'a cursor of a database with PARTITIONS=%i is refused by one with 4, and the other way round',
  async (partitions) => {
    const other = await PartitionedDoors.open(partitions);
    const { reader: otherReader } = other.instances[0];
    const { reader } = kept.instances[0];
    const cursors = async (of: typeof reader): Promise<Claim[]> => {
      const { nodes } = await of.feed(null, { from: 'end', size: 2 });
      return [...nodes, await of.census()].map(placeOf);
    };
    const ofEmpty = await cursors(otherReader);
    await other.installInEach();
    for (const claim of [...ofEmpty, ...(await cursors(otherReader))]) {
      await expectRewound(kept, claim);
    }
    for (const claim of await cursors(reader)) await expectRewound(other, claim);
    // A lone transition of the last partition, and one whose partition both have.
    const inLast = lone.find(({ partition }) => partition === PARTITIONS - 1);
    for (const transition of [inLast, lone[0]]) {
      if (transition !== undefined) await expectRewound(other, claimOf(transition));
    }
    const id = other.idIn(0);
    await other.instances[0].store.begin(id, {}, anonymous);
    const { nodes } = await otherReader.history(id, { from: 'start', size: 1 });
    for (const node of nodes) await expectRewound(kept, claimOf(node));
    // An old cursor without a fingerprint, from when there was one partition.
    await expectRewound(partitions === 1 ? kept : other, {
      positions: ['1'],
      fingerprint: null,
      partition: 0,
    });
    expect(positionsOf(await reader.census())).toHaveLength(PARTITIONS);
    await other.close();
  },
);
