/** Each field that asks the database is given the deadline of its request: none may take one of its own. */
import { type ExecutionResult, graphql } from 'graphql';
import { uuidv7 } from 'uuidv7';
import { Overloaded } from 'persistent-machine/database/failures';
import { type Context, Machines } from 'persistent-machine/graphql/context';
import type { Feed } from 'persistent-machine/feed/Feed';
import { lives as lifecycle } from '../../src/machine';
import { createSchema } from 'persistent-machine/graphql/schema';
import { served } from '../../src/application';
import { type Contents, type TestStore, conceive, contentsOf, createStore } from '../harness';

const schema = createSchema(served.machines);
const id = uuidv7();

/** A document for each field of the root; `machine` asks no database. */
const ROOT_FIELDS: Readonly<Record<string, string>> = {
  life: `{ life(id: "${id}") { id } }`,
  lives: '{ lives { totalCount } }',
  node: `{ node(id: "${id}") { id } }`,
  nodes: `{ nodes(ids: ["${id}"]) { id } }`,
  transitions: '{ transitions { nodes { version } } }',
  census: '{ census { total } }',
  conceive: `mutation { conceive(id: "${uuidv7()}") { id } }`,
  birth: `mutation { birth(id: "${id}") { __typename } }`,
  die: `mutation { die(id: "${id}") { __typename } }`,
};

/** Fields below them, each right below one that is answered. */
const OTHER_FIELDS: Readonly<Record<string, string>> = {
  history: `{ life(id: "${id}") { history { nodes { version } } } }`,
  'snapshot at a version': `{ life(id: "${id}") { snapshot(version: 1) { version } } }`,
  'snapshot at a time': `{ life(id: "${id}") { snapshot(asOf: "2020-01-01T00:00:00Z") { version } } }`,
  'life of a transition': '{ transitions { nodes { life { id } } } }',
};

let store: TestStore;
let before: Contents;

beforeAll(async () => {
  store = await createStore();
  await conceive(store.lives, id);
  before = await contentsOf(await store.connect());
});

afterEach(async () => {
  expect(await contentsOf(await store.connect())).toEqual(before);
});

afterAll(async () => {
  await store.close();
});

/** @param inTime how many fields still ask in time */
async function ask(source: string, inTime: number): Promise<ExecutionResult> {
  let asked = 0;
  const machines = new Machines();
  const { lives, reader } = store;
  // Nothing is followed here.
  const feed = undefined as unknown as Feed<typeof lifecycle>;
  machines.serve(lifecycle, { store: lives, reader, feed });
  const contextValue: Partial<Context> = {
    machines,
    newId: uuidv7,
    observation: { refusal: undefined },
    actor: null,
    scopes: null,
    get deadline() {
      asked += 1;
      return asked > inTime ? performance.now() - 1 : performance.now() + 20_000;
    },
  };
  return graphql({ schema, source, contextValue });
}

const causesOf = ({ errors = [] }: ExecutionResult): unknown[] =>
  errors.map(({ originalError }) => originalError);

test('there is a document for each field of the root', () => {
  const fields = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
    Object.keys(type?.getFields() ?? {}),
  );
  expect(Object.keys(ROOT_FIELDS).sort()).toEqual(
    fields.filter((name) => name !== 'machine').sort(),
  );
});

test.each(Object.entries(ROOT_FIELDS))('%s does nothing after it', async (_name, document) => {
  expect(causesOf(await ask(document, 0))).toEqual([expect.any(Overloaded)]);
});

test.each(Object.entries(OTHER_FIELDS))('%s does nothing after it', async (_name, document) => {
  expect(causesOf(await ask(document, 1))).toEqual([expect.any(Overloaded)]);
  expect((await ask(document, 2)).errors).toBeUndefined();
});

test('readings that go together are each told at their own', async () => {
  const rival = await store.connect();
  await rival.query('BEGIN');
  await rival.query('LOCK TABLE life_transitions');
  const page = { from: 'start', size: 1 } as const;
  const deadlines = [performance.now() + 100, performance.now() + 20_000] as const;
  const readings = [
    ...deadlines.map(async (deadline) => store.reader.history(id, page, deadline)),
    ...deadlines.map(async (deadline) => store.reader.past(id, { version: 1 }, deadline)),
  ];
  const [history, laterHistory, past, laterPast] = readings;
  await expect(history).rejects.toThrow(Overloaded);
  await expect(past).rejects.toThrow(Overloaded);
  await rival.query('ROLLBACK');
  expect(await laterHistory).toMatchObject({ nodes: [{ event: 'Conception' }] });
  expect(await laterPast).toMatchObject({ stateType: 'Gestating' });
});
