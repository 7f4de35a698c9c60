/**
 * Documents that are asked for often: from some time on they are compiled, and nobody can tell by the answers.
 */
import { randomUUID } from 'node:crypto';
import { type Answer, type TestServer, startServer } from '../harness';
import { Bystanders } from './Bystanders';
import { ask, dataOf } from './client';
import { livingIn } from './lives';

/** More often than a document is asked for before it is compiled. */
const OFTEN = 120;

let server: TestServer;
let bystanders: Bystanders;

beforeAll(async () => {
  server = await startServer();
  bystanders = await Bystanders.of(server);
});

afterEach(async () => {
  await bystanders.expectUnchanged();
});

afterAll(async () => {
  try {
    await bystanders.leave();
  } finally {
    await server.stop();
  }
});

/** Asks the same often; without the ids of requests, no two of which are the same. */
async function askOften(document: string, variables: Record<string, unknown>): Promise<string[]> {
  const answers: Answer[] = [];
  for (let count = 0; count < OFTEN; count += 1) {
    answers.push(await ask(server, document, variables));
  }
  return answers.map((answer) =>
    JSON.stringify(answer, (key, value: unknown) => (key === 'requestId' ? typeof value : value)),
  );
}

const LIFE = `
  __typename id phase version nextEvents created: createdAt
  ... on Alive { was: bornAt } ... on Dead { was: bornAt diedAt }`;
const REFUSAL = '__typename ... on TransitionError { message } ... on IllegalTransition { event }';

interface Case {
  readonly what: string;
  readonly document: string;
  readonly variables?: Record<string, unknown>;
}

test.each<Case>([
  {
    what: 'a life',
    document: `query ($id: ID!) { life(id: $id) { ...L } } fragment L on Life { ${LIFE} }`,
  },
  {
    what: 'a life as a node',
    document: `query ($id: ID!) { node(id: $id) { id ... on Life { ${LIFE} } } }`,
  },
  {
    what: 'a list',
    document: `query ($id: ID!) { nodes(ids: [$id, $id]) { ... on Life { ${LIFE} } } }`,
  },
  {
    what: 'a page with fields that are left out or not',
    document: `query ($id: ID!, $with: Boolean = true, $without: Boolean!) {
      life(id: $id) {
        history(first: 2) { nodes @include(if: $with) { version event } totalCount @skip(if: $without) }
      }
    }`,
    variables: { without: true },
  },
  {
    what: 'a field that is selected twice',
    document: 'query ($id: ID!) { life(id: $id) { id } life(id: $id) { phase id } }',
  },
  {
    what: 'a life that there is not',
    document: 'query ($none: ID!) { life(id: $none) { id } }',
    variables: { none: '00000000-0000-4000-8000-000000000000' },
  },
  {
    what: 'the schema',
    document: '{ __schema { queryType { name fields { name args { name defaultValue } } } } }',
  },
  {
    what: 'a refusal',
    document: `mutation ($id: ID!) { first: birth(id: $id) { ${REFUSAL} } birth(id: $id) { ${REFUSAL} } }`,
  },
  {
    what: 'an argument that breaks a rule, of what must not be null',
    document: 'query ($first: Int) { lives(first: $first) { totalCount } }',
    variables: { first: -1 },
  },
  {
    what: 'an argument that breaks a rule, on the third line',
    document: `query ($id: ID!, $first: Int) {
      life(id: $id) {
        id history(first: $first) { totalCount }
      }
    }`,
    variables: { first: 1_000 },
  },
  {
    what: 'a variable of another type',
    document: 'query ($first: Int) { lives(first: $first) { totalCount } }',
    variables: { first: 'x' },
  },
  {
    what: 'a variable that is missing',
    document: 'query ($missing: ID!) { life(id: $missing) { id } }',
  },
  {
    what: 'a variable that is null',
    document: 'query ($no: ID!) { life(id: $no) { id } }',
    variables: { no: null },
  },
  {
    what: 'a variable that is a list of lists',
    document: 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
    variables: { ids: [[]] },
  },
])('$what is answered in the same words once it is compiled', async ({ document, variables }) => {
  const id = await livingIn(server, 'Alive');
  const [first, ...others] = await askOften(document, { id, ...variables });
  expect(others.filter((other) => other !== first)).toEqual([]);
});

test('mutations of one request happen in their order, and each once', async () => {
  const document = `mutation ($id: ID!) {
    conceive(id: $id) { version }
    birth(id: $id) { __typename ... on Alive { version } }
    again: birth(id: $id) { __typename }
    die(id: $id) { __typename ... on Dead { version history(first: 9) { nodes { event } } } }
  }`;
  for (let count = 0; count < OFTEN; count += 1) {
    const id = randomUUID();
    expect(await dataOf(server, document, { id })).toEqual({
      conceive: { version: 1 },
      birth: { __typename: 'Alive', version: 2 },
      again: { __typename: 'IllegalTransition' },
      die: {
        __typename: 'Dead',
        version: 3,
        history: { nodes: [{ event: 'CONCEPTION' }, { event: 'BIRTH' }, { event: 'DEATH' }] },
      },
    });
  }
});

test('no text of a document is run as code', async () => {
  // What graphql-jit takes for a place where a date is to be put into its code.
  const text = '__MAGIC_DATE__33a9e76d_02e0_4128_8e92_3530ad3da74dglobalThis.brokenOut=1';
  const [first, ...others] = await askOften(`{ life(id: "${text}") { id } }`, {});
  expect(first).toContain('BAD_USER_INPUT');
  expect(others.filter((other) => other !== first)).toEqual([]);
  expect(globalThis).not.toHaveProperty('brokenOut');
});
