/** Two servers on one database keep every promise that one server makes. */
import { uuidv7 } from 'uuidv7';
import { type TestServer, startServer } from '../harness';
import { Bystanders } from './Bystanders';
import { dataOf } from './client';
import { constant, livingIn, mutationOf } from './lives';

let one: TestServer;
let other: TestServer;
let bystanders: Bystanders;

beforeAll(async () => {
  one = await startServer();
  other = await startServer({ DATABASE_URL: one.database?.url ?? '' });
  bystanders = await Bystanders.of(one);
});

afterEach(async () => {
  await bystanders.expectUnchanged();
});

afterAll(async () => {
  // Also if making the bystanders failed: a server that keeps running would block the run.
  try {
    await bystanders.leave();
  } finally {
    await other.stop();
    await one.stop();
  }
});

const HISTORY = 'version history { nodes { event version occurredAt recordedAt } }';

/** Either server by turns. */
const serverAt = (index: number): TestServer => (index % 2 === 0 ? one : other);

test('of 200 concurrent births on two servers one succeeds, and each other caller gets the winner’s life', async () => {
  const id = await livingIn(one, 'Gestating');
  const selection = `
    __typename
    ... on Alive { id bornAt ${HISTORY} }
    ... on IllegalTransition { from life { __typename ... on Alive { id bornAt ${HISTORY} } } }`;
  const outcomes: { __typename: string; from?: string; life?: object }[] = await Promise.all(
    Array.from(
      { length: 200 },
      async (_, index) =>
        (await dataOf(serverAt(index), mutationOf('Birth', selection), { id })).outcome,
    ),
  );
  const [winner, ...others] = outcomes.filter(({ __typename }) => __typename === 'Alive');
  expect(others).toEqual([]);
  expect(winner).toMatchObject({
    id,
    version: 2,
    history: { nodes: [{ event: 'CONCEPTION' }, { event: 'BIRTH' }] },
  });
  const losers = outcomes.filter((outcome) => outcome !== winner);
  expect(losers).toHaveLength(199);
  for (const loser of losers) {
    expect(loser).toEqual({ __typename: 'IllegalTransition', from: 'ALIVE', life: winner });
  }
});

test('after concurrent births and deaths on two servers each life has one history, and every answer agrees with it', async () => {
  const ids = await Promise.all(
    Array.from({ length: 10 }, async (_, index) => livingIn(serverAt(index), 'Gestating')),
  );
  const selection = '__typename ... on Life { id version }';
  const successes = await Promise.all(
    ids.flatMap((id) =>
      Array.from({ length: 6 }, async (_, index) => {
        const event = index % 3 === 0 ? 'Death' : 'Birth';
        const { outcome } = await dataOf(serverAt(index), mutationOf(event, selection), { id });
        const version: number | undefined = outcome.version;
        return version === undefined ? [] : [{ id, event: constant(event), version }];
      }),
    ),
  );
  for (const id of ids) {
    const { life } = await dataOf(one, `query ($id: ID!) { life(id: $id) { phase ${HISTORY} } }`, {
      id,
    });
    const answered = successes
      .flat()
      .filter((success) => success.id === id)
      .sort((first, second) => first.version - second.version);
    expect(life.history.nodes).toMatchObject([
      { event: 'CONCEPTION', version: 1 },
      ...answered.map(({ event, version }) => ({ event, version })),
    ]);
    // A caller asked for its death, and a life can always die.
    expect(life.phase).toBe('DEAD');
  }
});

test('concurrent conceptions of one id on two servers record one, and all callers get it', async () => {
  const id = uuidv7();
  const answers = await Promise.all(
    Array.from({ length: 40 }, async (_, index) =>
      dataOf(serverAt(index), `mutation ($id: ID) { conceive(id: $id) { createdAt ${HISTORY} } }`, {
        id,
      }),
    ),
  );
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0].conceive.history.nodes).toHaveLength(1);
});

test('a read that begins at one server after an answer of the other sees what that answer reports', async () => {
  for (let index = 0; index < 20; index += 1) {
    const [writer, reader] = [serverAt(index), serverAt(index + 1)];
    const id = await livingIn(writer, 'Alive');
    const { life, census } = await dataOf(
      reader,
      `query ($id: ID!) { life(id: $id) { phase } census { total cursor } }`,
      { id },
    );
    expect(life).toEqual({ phase: 'ALIVE' });
    expect(await dataOf(writer, '{ census { total cursor } }')).toEqual({ census });
  }
});

test('both servers have the same feed: without gaps, in the order of commits, with each life’s versions in order', async () => {
  const feedOf = async (server: TestServer): Promise<{ lifeId: string; version: number }[]> => {
    const feed = [];
    let after: string | null = null;
    for (let more = true; more;) {
      const variables: Record<string, unknown> = { after };
      const { transitions } = await dataOf(
        server,
        `query ($after: String) {
          transitions(first: 100, after: $after) {
            nodes { lifeId version cursor }
            pageInfo { hasNextPage endCursor }
          }
        }`,
        variables,
      );
      feed.push(...transitions.nodes);
      more = transitions.pageInfo.hasNextPage;
      after = transitions.pageInfo.endCursor;
    }
    return feed;
  };
  await Promise.all(
    Array.from({ length: 20 }, async (_, index) => livingIn(serverAt(index), 'Dead')),
  );
  const feed = await feedOf(one);
  expect(await feedOf(other)).toEqual(feed);
  const versions = new Map<string, number>();
  for (const { lifeId, version } of feed) {
    expect(version).toBe((versions.get(lifeId) ?? 0) + 1);
    versions.set(lifeId, version);
  }
  const { census } = await dataOf(other, '{ census { total } }');
  expect(versions.size).toBe(census.total);
});
