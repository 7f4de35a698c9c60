/** How many SQL statements an answer costs: the server loads many lives with one statement. */
import { Client } from 'pg';
import { REPLAN } from 'persistent-machine/database/Database';
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
 * Statements that belong to no request: the pool may only just have opened a connection, or have used one so often that
 * its plans are made again, and a notification follows its commit by some milliseconds.
 */
const OF_NO_REQUEST: readonly unknown[] = [APPLY_SETTINGS, REPLAN, notify.text];

/** Records the statements of the server, which runs in this process: every one goes through this one method. */
async function statementsOf(
  document: string,
  variables: Record<string, unknown> = {},
): Promise<{
  statements: number;
  // As for `ask`.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  data: any;
}> {
  const query = jest.spyOn(Client.prototype, 'query');
  try {
    const data = await dataOf(server, document, variables);
    const texts = (query.mock.calls as unknown as { text?: string }[][]).map(
      ([each]) => each?.text,
    );
    return { statements: texts.filter((text) => !OF_NO_REQUEST.includes(text)).length, data };
  } finally {
    query.mockRestore();
  }
}

test('one life costs one statement, however many fields ask for it at once', async () => {
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

test('twenty nodes cost one statement', async () => {
  const { statements, data } = await statementsOf(
    'query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Life { phase nextEvents } } }',
    { ids },
  );
  expect(data.nodes).toMatchObject(ids.map((id) => ({ id })));
  expect(statements).toBe(1);
});

test('twenty lives with their number cost one statement, and with their histories two', async () => {
  const lives = await statementsOf('{ lives(first: 20) { totalCount nodes { id } } }');
  expect(lives.data.lives.nodes).toHaveLength(20);
  expect(lives.statements).toBe(1);

  const withHistories = await statementsOf(
    '{ lives(first: 20) { totalCount nodes { history { nodes { version snapshot { phase } } } } } }',
  );
  for (const { history } of withHistories.data.lives.nodes) expect(history.nodes).toHaveLength(2);
  expect(withHistories.statements).toBe(2);
});

test('twenty transitions with the life of each cost two statements', async () => {
  const { statements, data } = await statementsOf(
    '{ transitions(first: 20) { nodes { life { phase version } } } }',
  );
  expect(data.transitions.nodes).toHaveLength(20);
  expect(statements).toBe(2);
});

test('the machine costs no statement', async () => {
  expect((await statementsOf('{ machine { mermaid } }')).statements).toBe(0);
});

test('a request does not see what an earlier request has loaded', async () => {
  const life = 'query ($id: ID!) { life(id: $id) { version } }';
  for (let again = 0; again < 2; again += 1) {
    expect((await statementsOf(life, { id: ids[0] })).statements).toBe(1);
  }
});
