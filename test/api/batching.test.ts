/** How many statements an answer costs: what is asked of many lives at once goes as one. */
import { Client } from 'pg';
import { APPLY_SETTINGS } from 'persistent-machine/database/settings';
import { notify } from 'persistent-machine/operations/notify';
import { type TestServer, startServer } from '../harness';
import { dataOf } from './client';
import { livingIn } from './lives';

let server: TestServer;
let ids: string[];

beforeAll(async () => {
  server = await startServer();
  ids = await Promise.all(Array.from({ length: 20 }, async () => livingIn(server, 'Alive')));
});

afterAll(async () => {
  await server.stop();
});

/**
 * What the server may send meanwhile for earlier requests: a connection that the pool has begun to open may only just
 * have been made, and a notification goes some milliseconds after its commit.
 */
const OF_EARLIER_REQUESTS: readonly unknown[] = [APPLY_SETTINGS, notify.text];

/** Watches what the server's sessions send: in its process every statement goes through this one method. */
async function statementsOf(
  document: string,
  variables: Record<string, unknown> = {},
): Promise<{
  statements: number;
  // As of ask.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  data: any;
}> {
  const query = jest.spyOn(Client.prototype, 'query');
  try {
    const data = await dataOf(server, document, variables);
    const texts = (query.mock.calls as unknown as { text?: string }[][]).map(
      ([each]) => each?.text,
    );
    return { statements: texts.filter((text) => !OF_EARLIER_REQUESTS.includes(text)).length, data };
  } finally {
    query.mockRestore();
  }
}

test('a life is one statement, however often it is asked for at once', async () => {
  const { statements, data } = await statementsOf(
    `query ($id: ID!) {
      life(id: $id) { version }
      again: life(id: $id) { phase snapshot { bornAt } }
      node(id: $id) { id }
      nodes(ids: [$id, $id]) { id }
    }`,
    { id: ids[0] },
  );
  expect(data.nodes).toEqual([{ id: ids[0] }, { id: ids[0] }]);
  expect(statements).toBe(1);
});

test('twenty nodes are one statement', async () => {
  const { statements, data } = await statementsOf(
    'query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Life { phase nextEvents } } }',
    { ids },
  );
  expect(data.nodes).toMatchObject(ids.map((id) => ({ id })));
  expect(statements).toBe(1);
});

test('twenty lives are one statement, with their number and their histories two', async () => {
  const lives = await statementsOf('{ lives(first: 20) { totalCount nodes { id } } }');
  expect(lives.data.lives.nodes).toHaveLength(20);
  expect(lives.statements).toBe(1);

  const withHistories = await statementsOf(
    '{ lives(first: 20) { totalCount nodes { history { nodes { version snapshot { phase } } } } } }',
  );
  for (const { history } of withHistories.data.lives.nodes) expect(history.nodes).toHaveLength(2);
  expect(withHistories.statements).toBe(2);
});

test('twenty transitions are one statement, with the life of each two', async () => {
  const { statements, data } = await statementsOf(
    '{ transitions(first: 20) { nodes { life { phase version } } } }',
  );
  expect(data.transitions.nodes).toHaveLength(20);
  expect(statements).toBe(2);
});

test('the machine is none at all', async () => {
  expect((await statementsOf('{ machine { mermaid } }')).statements).toBe(0);
});

test('nothing is remembered from one request to the next', async () => {
  const life = 'query ($id: ID!) { life(id: $id) { version } }';
  for (let again = 0; again < 2; again += 1) {
    expect((await statementsOf(life, { id: ids[0] })).statements).toBe(1);
  }
});
