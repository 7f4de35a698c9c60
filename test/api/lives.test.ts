/** The course of a life over the API: conception, birth and death, and how a client finds the life at each step. */
import { uuidv7 } from 'uuidv7';
import { type LifeState, type LifeEvent, lives } from '../../src/machine';
import { type TestServer, startServer } from '../harness';
import { Bystanders } from './Bystanders';
import { ask, dataOf } from './client';
import { constant, livingIn, mutationOf, waysTo } from './lives';

/** The fields that every life has. */
const LIFE = `
  __typename
  ... on Life { id phase version createdAt updatedAt nextEvents snapshot { bornAt diedAt } }`;

/** The fields of one phase alone, with an alias if they are null in another phase. */
const OWN = {
  Gestating: '',
  Alive: '... on Alive { bornAt }',
  Dead: '... on Dead { bornIfEver: bornAt diedAt }',
} as const satisfies Record<LifeState, string>;

const WHOLE_LIFE = `${LIFE} ${Object.values(OWN).join(' ')}`;

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
  // Also if making the bystanders failed: a server that keeps running would block the run.
  try {
    await bystanders.leave();
  } finally {
    await server.stop();
  }
});

/** A life, as the query `life` answers it. */
const found = async (id: string): Promise<unknown> =>
  (await dataOf(server, `query ($id: ID!) { life(id: $id) { ${WHOLE_LIFE} } }`, { id })).life;

describe('conceiving', () => {
  test('creates a gestating life with a UUID of version 7, at version 1', async () => {
    const before = Date.now();
    const { life } = await dataOf(server, `mutation { life: conceive { ${LIFE} } }`);
    expect(life).toEqual({
      __typename: 'Gestating',
      id: expect.stringMatching(
        /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      ),
      phase: 'GESTATING',
      version: 1,
      createdAt: life.updatedAt,
      updatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      nextEvents: ['BIRTH', 'DEATH'],
      snapshot: { bornAt: null, diedAt: null },
    });
    expect(Date.parse(life.createdAt)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(life.createdAt)).toBeLessThanOrEqual(Date.now());
    expect(await found(life.id)).toEqual(life);
  });

  test('takes an id in upper or lower case, of any version of UUID, and answers it in lower case', async () => {
    const ids = [
      uuidv7().toUpperCase(),
      crypto.randomUUID(),
      'FFFFFFFF-0000-0000-0000-00000000000F',
    ];
    for (const id of ids) {
      const { conceive } = await dataOf(server, 'mutation ($id: ID) { conceive(id: $id) { id } }', {
        id,
      });
      expect(conceive).toEqual({ id: id.toLowerCase() });
    }
  });

  test('treats null like an id that is left out', async () => {
    const { one, other } = await dataOf(
      server,
      'mutation { one: conceive(id: null) { id } other: conceive(id: null) { id } }',
    );
    expect(one.id).not.toBe(other.id);
  });

  test('with an id again answers with the original conception, whatever happened since, and records nothing', async () => {
    const id = uuidv7();
    const conceive = async (spelling: string): Promise<unknown> =>
      (
        await dataOf(server, `mutation ($id: ID) { conceive(id: $id) { ${LIFE} } }`, {
          id: spelling,
        })
      ).conceive;
    const conceived = await conceive(id);
    expect(await conceive(id.toUpperCase())).toEqual(conceived);

    await dataOf(server, mutationOf('Birth', '__typename'), { id });
    const alive = await found(id);
    const { census } = await dataOf(server, '{ census { total alive cursor } }');

    expect(await conceive(id)).toEqual(conceived);
    expect(await found(id)).toEqual(alive);
    expect(await dataOf(server, '{ census { total alive cursor } }')).toEqual({ census });
  });
});

describe.each(waysTo().map((way) => ({ name: way.map(({ event }) => event).join(', '), way })))(
  'a life with the course $name',
  ({ way }) => {
    test('is at each step in the state that the machine declares, and its history has each step', async () => {
      const { life } = await dataOf(server, 'mutation { life: conceive { id createdAt } }');
      let last: { createdAt: string; updatedAt: string; version: number } | undefined;
      for (const [index, { event, to }] of way.entries()) {
        const { outcome } = await dataOf(server, mutationOf(event, `${LIFE} ${OWN[to]}`), life);
        expect(outcome).toMatchObject({
          __typename: to,
          id: life.id,
          phase: constant(to),
          version: index + 2,
          createdAt: life.createdAt,
          nextEvents: lives.nextEvents(to).map(constant),
        });
        expect(await found(life.id)).toEqual(outcome);
        last = outcome;
      }

      const { found: now } = await dataOf(
        server,
        `query ($id: ID!) {
          found: life(id: $id) {
            history {
              nodes {
                cursor event from to version occurredAt recordedAt actor lifeId
                snapshot { phase version createdAt updatedAt bornAt diedAt nextEvents }
                life { ${WHOLE_LIFE} }
              }
            }
          }
        }`,
        life,
      );
      const { nodes } = now.history;
      const course = [lives.machine.declaration.initial, ...way];
      const states = course.map(({ to }) => to);
      expect(nodes).toEqual(
        course.map(({ event, to }, index) => ({
          cursor: expect.any(String),
          event: constant(event),
          from: index === 0 ? null : constant(states[index - 1] ?? ''),
          to: constant(to),
          version: index + 1,
          occurredAt: expect.any(String),
          recordedAt: nodes[index].snapshot.updatedAt,
          actor: null,
          lifeId: life.id,
          snapshot: {
            phase: constant(to),
            version: index + 1,
            createdAt: life.createdAt,
            updatedAt: expect.any(String),
            bornAt: timeOf('Birth', index),
            diedAt: timeOf('Death', index),
            nextEvents: lives.nextEvents(to).map(constant),
          },
          life: last,
        })),
      );
      expect(nodes[0].occurredAt).toBe(life.createdAt);

      /** When an event occurred, if it had occurred by that step. */
      function timeOf(event: Exclude<LifeEvent, 'Conception'>, index: number): unknown {
        const at = course.findIndex((step) => step.event === event);
        return at >= 0 && at <= index ? nodes[at].occurredAt : null;
      }
    });
  },
);

test('a life that dies before its birth has no time of birth', async () => {
  const id = await livingIn(server, 'Gestating');
  const { outcome } = await dataOf(server, mutationOf('Death', `${LIFE} ${OWN.Dead}`), { id });
  expect(outcome).toMatchObject({
    __typename: 'Dead',
    bornIfEver: null,
    diedAt: outcome.updatedAt,
  });
});

test('an event has the time that the client gives, in UTC and truncated to milliseconds', async () => {
  const { life } = await dataOf(server, 'mutation { life: conceive { id createdAt } }');
  const bornAt = new Date(Date.parse(life.createdAt) + 1);
  const inKathmandu = new Date(bornAt.getTime() + (5 * 60 + 45) * 60_000).toISOString();
  const { outcome } = await dataOf(server, mutationOf('Birth', `${LIFE} ${OWN.Alive}`), {
    id: life.id,
    occurredAt: inKathmandu.replace('Z', '999+05:45'),
  });
  expect(outcome).toMatchObject({ __typename: 'Alive', bornAt: bornAt.toISOString() });
  expect(await found(life.id)).toEqual(outcome);
});

test('a death takes the time of the birth, if that is ahead of the server’s clock', async () => {
  const id = await livingIn(server, 'Gestating');
  const occurredAt = new Date(Date.now() + 4_000).toISOString();
  const born = await dataOf(server, mutationOf('Birth', `${LIFE} ${OWN.Alive}`), {
    id,
    occurredAt,
  });
  expect(born.outcome).toMatchObject({ __typename: 'Alive', bornAt: occurredAt });
  const died = await dataOf(server, mutationOf('Death', `${LIFE} ${OWN.Dead}`), { id });
  expect(died.outcome).toMatchObject({ __typename: 'Dead', diedAt: occurredAt });
});

test('the snapshot of a life has the same data as the life, without its identity', async () => {
  for (const state of lives.states) {
    const id = await livingIn(server, state);
    const { life } = await dataOf(
      server,
      `query ($id: ID!) {
        life(id: $id) {
          phase version createdAt updatedAt nextEvents
          ... on Alive { bornAt }
          ... on Dead { bornIfEver: bornAt diedAt }
          snapshot { __typename phase version createdAt updatedAt bornAt diedAt nextEvents }
        }
      }`,
      { id },
    );
    const { snapshot, bornAt = null, bornIfEver = bornAt, diedAt = null, ...facts } = life;
    expect(snapshot).toEqual({
      __typename: 'LifeSnapshot',
      ...facts,
      bornAt: bornIfEver,
      diedAt,
    });
  }
});

test('one request can contain a whole course, and each mutation sees the effects of the one before', async () => {
  const id = uuidv7();
  const answer = await dataOf(
    server,
    `mutation ($id: ID!) {
      conceive(id: $id) { version }
      birth(id: $id) { ... on Alive { version } }
      die(id: $id) { ... on Dead { version } }
      again: die(id: $id) { ... on IllegalTransition { life { version } } }
    }`,
    { id },
  );
  expect(answer).toEqual({
    conceive: { version: 1 },
    birth: { version: 2 },
    die: { version: 3 },
    again: { life: { version: 3 } },
  });
});

test('each mutation of a request commits by itself: an error in one does not roll back the others', async () => {
  const [one, other] = [uuidv7(), uuidv7()];
  const { data, errors } = await ask(
    server,
    `mutation ($one: ID!, $other: ID!) {
      one: conceive(id: $one) { version }
      wrong: birth(id: "no UUID") { __typename }
      born: birth(id: $one) { __typename }
      other: conceive(id: $other) { version }
    }`,
    { one, other },
  );
  expect(errors).toMatchObject([{ path: ['wrong'], extensions: { code: 'BAD_USER_INPUT' } }]);
  expect(data).toEqual({
    one: { version: 1 },
    wrong: null,
    born: { __typename: 'Alive' },
    other: { version: 1 },
  });
  expect(await found(one)).toMatchObject({ phase: 'ALIVE' });
  expect(await found(other)).toMatchObject({ phase: 'GESTATING' });
});

describe('finding', () => {
  test('a query by id takes either case, and answers null for an unknown id', async () => {
    const id = await livingIn(server, 'Alive');
    expect(await found(id.toUpperCase())).toEqual(await found(id));
    expect(await found(uuidv7())).toBeNull();
  });

  test('the query node answers an object of the phase’s own type', async () => {
    for (const state of lives.states) {
      const id = await livingIn(server, state);
      const { node } = await dataOf(
        server,
        `query ($id: ID!) { node(id: $id) { ${WHOLE_LIFE} } }`,
        {
          id: id.toUpperCase(),
        },
      );
      expect(node).toEqual(await found(id));
      expect(node).toMatchObject({ __typename: state, id });
    }
    const none = await dataOf(server, 'query ($id: ID!) { node(id: $id) { id } }', {
      id: uuidv7(),
    });
    expect(none).toEqual({ node: null });
  });

  test('any life shows when it was born and when it died, with no fragment for its phase', async () => {
    const ids = [];
    for (const state of lives.states) ids.push(await livingIn(server, state));
    const { nodes } = await dataOf(
      server,
      'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Life { phase bornAt diedAt } } }',
      { ids },
    );
    expect(nodes).toEqual([
      { phase: 'GESTATING', bornAt: null, diedAt: null },
      { phase: 'ALIVE', bornAt: expect.any(String), diedAt: null },
      // By the shortest way to death, which contains no birth.
      { phase: 'DEAD', bornAt: null, diedAt: expect.any(String) },
    ]);
  });

  test('nodes answers in the order of the ids, with null for an unknown id, and repeats a repeated one', async () => {
    const [one, other] = [await livingIn(server, 'Dead'), await livingIn(server, 'Gestating')];
    const ids = [other, uuidv7(), one.toUpperCase(), one, other.toUpperCase()];
    const { nodes } = await dataOf(server, 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
      ids,
    });
    expect(nodes).toEqual([{ id: other }, null, { id: one }, { id: one }, { id: other }]);
  });

  test('nodes takes up to 100 ids at once', async () => {
    const document = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }';
    const ids = Array.from({ length: 100 }, () => uuidv7());
    expect(await dataOf(server, document, { ids })).toEqual({ nodes: ids.map(() => null) });
    expect(await dataOf(server, document, { ids: [] })).toEqual({ nodes: [] });
    const { data, errors } = await ask(server, document, { ids: [...ids, uuidv7()] });
    expect(data).toBeNull();
    expect(errors).toMatchObject([
      {
        extensions: {
          code: 'BAD_USER_INPUT',
          fields: [{ path: 'ids', message: 'must be 100 ids at most.' }],
        },
      },
    ]);
  });
});
