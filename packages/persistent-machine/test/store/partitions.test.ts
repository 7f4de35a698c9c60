/** Tests changes in several partitions: which one an id is in, and that one partition does not wait for another. */
import { randomUUID } from 'node:crypto';
import { Overloaded } from '../../src/database/failures';
import { partitionOf } from '../../src/operations/partition';
import { until } from '../harness/until';
import { Closed, Open, doors } from '../machine/door';
import { type Instance, KeptMachines, anonymous } from './KeptMachines';

const PARTITIONS = 3;
const QUEUE = 5;

let kept: KeptMachines<typeof doors>;
let neighbour: Instance<typeof doors>;
/** A door in each partition that no test touches. */
let bystanders: readonly string[];
let before: readonly object[];

beforeAll(async () => {
  kept = await KeptMachines.of(doors, { partitions: PARTITIONS, queueSize: QUEUE });
  neighbour = await kept.neighbour();
  bystanders = await installed();
  before = await rowsOfBystanders();
  expect(before).toHaveLength(2 * PARTITIONS);
});

afterEach(async () => {
  expect(await rowsOfBystanders()).toEqual(before);
});

afterAll(async () => {
  await kept.close();
});

async function rowsOfBystanders(): Promise<readonly object[]> {
  const { records, history } = await kept.contents();
  return [...records, ...history].filter((row) =>
    bystanders.includes(String(Reflect.get(row, 'id') ?? Reflect.get(row, 'door_id'))),
  );
}

function idIn(partition: number): string {
  for (;;) {
    const id = randomUUID();
    if (partitionOf(id, PARTITIONS) === partition) return id;
  }
}

/** Installs a door in each partition. */
async function installed(): Promise<readonly string[]> {
  const ids = Array.from({ length: PARTITIONS }, (_, partition) => idIn(partition));
  for (const id of ids) await kept.store.begin(id, {}, anonymous);
  return ids;
}

/** Locks the ledger of one partition in an operator's session, which changes nothing. */
async function whileLocked(partition: number, act: () => Promise<void>): Promise<void> {
  await kept.session.query('BEGIN');
  try {
    await kept.session.query(`SELECT FROM door_ledger WHERE partition = ${partition} FOR UPDATE`);
    await act();
  } finally {
    await kept.session.query('COMMIT');
  }
}

async function statementsThatWait(): Promise<number> {
  const { rowCount } = await kept.session.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rowCount ?? 0;
}

test('the CHECKs compute the same partition of an id as the store, for any number of partitions', async () => {
  const ids = Array.from({ length: 500 }, () => randomUUID());
  for (const [table, id] of [
    ['doors', 'id'],
    ['door_transitions', 'door_id'],
  ] as const) {
    const { rows } = await kept.session.query<{ expression: string }>(
      `SELECT pg_get_expr(conbin, conrelid) AS expression FROM pg_constraint
       WHERE conname = '${table}_are_in_their_partition'`,
    );
    const [{ expression } = { expression: '' }] = rows;
    expect(expression.match(/\b3\b/g)).toHaveLength(2);
    for (let partitions = 1; partitions <= 32; partitions += 1) {
      const condition = expression.replaceAll(/\b3\b/g, String(partitions));
      const inParts = ids.map((each) => partitionOf(each, partitions));
      const refused = await kept.session.query(
        `SELECT * FROM unnest($1::uuid[], $2::integer[]) AS each (${id}, partition)
         WHERE (${condition}) IS NOT TRUE`,
        [ids, inParts],
      );
      expect(refused.rows).toEqual([]);
      expect(new Set(inParts)).toEqual(new Set(Array.from({ length: partitions }, (_, n) => n)));
    }
  }
});

test('a group has changes of one partition, and each partition has one group in flight', async () => {
  kept.database.sent.length = 0;
  const ids = [0, 1, 2, 0, 1].map(idIn);
  await Promise.all(ids.map(async (id) => kept.store.begin(id, {}, anonymous)));
  await Promise.all(ids.map(async (id) => kept.store.transition(id, 'Opening', {}, anonymous)));
  for (const name of ['doors/begin', 'doors/swap']) {
    const sent = kept.database.sent.filter((each) => each.name === name);
    expect(sent.map(({ values: [partition] }) => partition).sort()).toEqual([0, 1, 2]);
    for (const { values } of sent) {
      const [partition, group] = values as [number, string[]];
      expect(group.map((id) => partitionOf(id, PARTITIONS))).toEqual(group.map(() => partition));
    }
    expect(sent.map(({ inFlight }) => inFlight)).toEqual([1, 2, 3]);
  }
});

test('an operator’s lock on the ledger of one partition holds up changes of that partition only', async () => {
  const ids = await installed();
  let opening: Promise<unknown[]> | undefined;
  let isAnswered = false;
  await whileLocked(1, async () => {
    opening = Promise.all([
      kept.store.transition(ids[1] ?? '', 'Opening', {}, anonymous),
      neighbour.store.begin(idIn(1), {}, anonymous),
    ]).finally(() => {
      isAnswered = true;
    });
    await until(async () => (await statementsThatWait()) === 2);
    for (const { store, reader } of [kept, neighbour]) {
      for (const partition of [0, 2]) {
        const id = idIn(partition);
        expect(await store.begin(id, {}, anonymous)).toBeInstanceOf(Closed);
        expect(await store.transition(id, 'Opening', {}, anonymous)).toBeInstanceOf(Open);
      }
      expect(await store.find(ids[1] ?? '')).toBeInstanceOf(Closed);
      const { nodes } = await reader.feed(null, { from: 'end', size: 1 });
      expect(nodes).toMatchObject([{ event: 'Opening', partition: 2 }]);
    }
    expect(isAnswered).toBe(false);
  });
  expect(await opening).toEqual([expect.any(Open), expect.any(Closed)]);
});

test('a partition whose queue is full refuses at once, and applies what it has taken', async () => {
  const refused = idIn(0);
  const beginning: Promise<unknown>[] = [];
  await whileLocked(0, async () => {
    beginning.push(kept.store.begin(idIn(0), {}, anonymous));
    await until(async () => (await statementsThatWait()) === 1);
    for (let waiting = 0; waiting < QUEUE; waiting += 1) {
      beginning.push(kept.store.begin(idIn(0), {}, anonymous));
    }
    await expect(kept.store.begin(refused, {}, anonymous)).rejects.toThrow(Overloaded);
    expect(kept.store.lanes.isFull).toBe(true);
    expect(kept.store.lanes.lengths['begin']).toBe(QUEUE);
  });
  expect(await Promise.all(beginning)).toEqual(beginning.map(() => expect.any(Closed)));
  expect(await kept.store.find(refused)).toBeNull();
  expect(kept.store.lanes.isFull).toBe(false);
});
