/** Tests that each field that asks the database gets the deadline of its request, and takes none of its own. */
import { type ExecutionResult, graphql } from 'graphql';
import { Overloaded } from '../../src/database/failures';
import type { Feed } from '../../src/feed/Feed';
import { type Context, Machines } from '../../src/graphql/context';
import { createSchema } from '../../src/graphql/schema';
import { KeptMachines, anonymous, newId } from '../store/KeptMachines';
import { doors } from './door';

const schema = createSchema([{ lifecycle: doors }]);
const id = newId();

/** A document for each root field, except `machine`, which asks no database. */
const ROOT_FIELDS: Readonly<Record<string, string>> = {
  door: `{ door(id: "${id}") { id } }`,
  doors: '{ doors { totalCount } }',
  node: `{ node(id: "${id}") { id } }`,
  nodes: `{ nodes(ids: ["${id}"]) { id } }`,
  transitions: '{ transitions { nodes { version } } }',
  census: '{ census { total } }',
  hang: `mutation { hang(id: "${newId()}") { id } }`,
  open: `mutation { open(id: "${id}") { __typename } }`,
  shut: `mutation { shut(id: "${id}") { __typename } }`,
};

/** Documents for fields below the root, each right below a field that is answered. */
const OTHER_FIELDS: Readonly<Record<string, string>> = {
  history: `{ door(id: "${id}") { history { nodes { version } } } }`,
  'snapshot at a version': `{ door(id: "${id}") { snapshot(version: 1) { version } } }`,
  'snapshot at a time': `{ door(id: "${id}") { snapshot(asOf: "2020-01-01T00:00:00Z") { version } } }`,
  'door of a transition': '{ transitions { nodes { door { id } } } }',
};

let kept: KeptMachines<typeof doors>;
let before: Awaited<ReturnType<typeof kept.contents>>;

beforeAll(async () => {
  kept = await KeptMachines.of(doors);
  await kept.store.begin(id, {}, anonymous);
  before = await kept.contents();
});

afterEach(async () => {
  expect(await kept.contents()).toEqual(before);
});

afterAll(async () => {
  await kept.close();
});

/** @param inTime how many fields still ask in time */
async function ask(source: string, inTime: number): Promise<ExecutionResult> {
  let asked = 0;
  const machines = new Machines();
  const { store, reader } = kept;
  // No document here subscribes to anything.
  const feed = undefined as unknown as Feed<typeof doors>;
  machines.serve(doors, { store, reader, feed });
  const contextValue: Partial<Context> = {
    machines,
    newId,
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

test('there is a document for each root field', () => {
  const fields = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
    Object.keys(type?.getFields() ?? {}),
  );
  expect(Object.keys(ROOT_FIELDS).sort()).toEqual(
    fields.filter((name) => name !== 'machine').sort(),
  );
});

test.each(Object.entries(ROOT_FIELDS))(
  '%s asks for nothing after the deadline',
  async (_name, document) => {
    expect(causesOf(await ask(document, 0))).toEqual([expect.any(Overloaded)]);
  },
);

test.each(Object.entries(OTHER_FIELDS))(
  '%s asks for nothing after the deadline',
  async (_name, document) => {
    expect(causesOf(await ask(document, 1))).toEqual([expect.any(Overloaded)]);
    expect((await ask(document, 2)).errors).toBeUndefined();
  },
);

test('readings in one group each end at their own deadline', async () => {
  const { reader, session: rival } = kept;
  await rival.query('BEGIN');
  await rival.query('LOCK TABLE door_transitions');
  const page = { from: 'start', size: 1 } as const;
  const deadlines = [performance.now() + 100, performance.now() + 20_000] as const;
  const readings = [
    ...deadlines.map(async (deadline) => reader.history(id, page, deadline)),
    ...deadlines.map(async (deadline) => reader.past(id, { version: 1 }, deadline)),
  ];
  const [history, laterHistory, past, laterPast] = readings;
  await expect(history).rejects.toThrow(Overloaded);
  await expect(past).rejects.toThrow(Overloaded);
  await rival.query('ROLLBACK');
  expect(await laterHistory).toMatchObject({ nodes: [{ event: 'Hanging' }] });
  expect(await laterPast).toMatchObject({ stateType: 'Shut' });
});
