/** What a mutation answers if it refuses: the error and its facts. A refusal changes nothing. */
import { uuidv7 } from 'uuidv7';
import { type LifeState, life, lives } from '../../src/machine';
import { type TestServer, startServer } from '../harness';
import { Bystanders } from './Bystanders';
import { ask, dataOf } from './client';
import { type Step, constant, livingIn, mutationOf } from './lives';

const OUTCOME = `
  __typename
  ... on TransitionError { message }
  ... on LifeNotFound { id }
  ... on IllegalTransition { event from nextEvents life { __typename id phase version history { nodes { version } } } }
  ... on OccurredAtOutOfRange { earliest latest }`;

/** Of a life with a history: the time of its last transition. */
const RECORDED = '... on Life { history(last: 1) { nodes { occurredAt } } }';
const recordedAt = (occurredAt: string): object => ({
  outcome: { history: { nodes: [{ occurredAt }] } },
});

const steps = lives.events.filter(
  (event): event is Step => event !== life.declaration.initial.event,
);

/** Each pair of a state and an event that the state does not accept: the complement of the list. */
const illegal = lives.states.flatMap((state) =>
  steps
    .filter((event) => !lives.nextEvents(state).includes(event))
    .map((event) => ({ state, event })),
);

/** A state that accepts the event. */
const accepting = (event: Step): LifeState =>
  lives.edges.find((edge) => edge.event === event)?.from ?? life.declaration.initial.to;

/** The time of a life's last transition. */
const lastOf = async (id: string): Promise<string> => {
  const { life } = await dataOf(server, `query ($id: ID!) { life(id: $id) { ${RECORDED} } }`, {
    id,
  });
  return life.history.nodes[0].occurredAt;
};

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

/** Everything about a life that a refusal must not change. */
const all = async (id: string): Promise<unknown> =>
  dataOf(
    server,
    `query ($id: ID!) {
      life(id: $id) { phase version updatedAt history { nodes { event occurredAt recordedAt } } }
      census { total cursor }
    }`,
    { id },
  );

test.each(illegal)(
  '$event is refused by $state, and the refusal has the events that it accepts',
  async ({ state, event }) => {
    const id = await livingIn(server, state);
    const before = await all(id);
    const { outcome } = await dataOf(server, mutationOf(event, OUTCOME), { id: id.toUpperCase() });
    const accepted = lives.nextEvents(state);
    expect(outcome).toEqual({
      __typename: 'IllegalTransition',
      message: expect.stringContaining(`${event} is not possible in ${state}`),
      event: constant(event),
      from: constant(state),
      nextEvents: accepted.map(constant),
      life: {
        __typename: state,
        id,
        phase: constant(state),
        version: expect.any(Number),
        history: { nodes: expect.arrayContaining([{ version: outcome.life.version }]) },
      },
    });
    for (const other of accepted) expect(outcome.message).toContain(other);
    expect(await all(id)).toEqual(before);
  },
);

describe.each(steps)('%s', (event) => {
  test('of an unknown life answers LifeNotFound, with the id in lower case', async () => {
    const id = uuidv7();
    const { census } = await dataOf(server, '{ census { total cursor } }');
    expect(await dataOf(server, mutationOf(event, OUTCOME), { id: id.toUpperCase() })).toEqual({
      outcome: { __typename: 'LifeNotFound', message: `There is no life ${id}.`, id },
    });
    expect(await all(id)).toEqual({ life: null, census });
  });

  test('before the last transition is refused, with the accepted range', async () => {
    const id = await livingIn(server, accepting(event));
    const [before, last] = [await all(id), await lastOf(id)];
    const occurredAt = new Date(Date.parse(last) - 1).toISOString();
    const sent = Date.now();
    const { outcome } = await dataOf(server, mutationOf(event, OUTCOME), { id, occurredAt });
    expect(outcome).toEqual({
      __typename: 'OccurredAtOutOfRange',
      message: expect.stringContaining(occurredAt),
      earliest: last,
      latest: expect.any(String),
    });
    expect(Date.parse(outcome.latest)).toBeGreaterThanOrEqual(sent + 5_000);
    expect(Date.parse(outcome.latest)).toBeLessThanOrEqual(Date.now() + 5_000);
    expect(await all(id)).toEqual(before);
  });

  test('more than five seconds ahead is refused, and the latest time of the range is accepted', async () => {
    const id = await livingIn(server, accepting(event));
    const before = await all(id);
    const occurredAt = new Date(Date.now() + 60_000).toISOString();
    const refused = await dataOf(server, mutationOf(event, OUTCOME), { id, occurredAt });
    expect(refused.outcome).toMatchObject({ __typename: 'OccurredAtOutOfRange' });
    expect(await all(id)).toEqual(before);

    const { latest } = refused.outcome;
    const accepted = await dataOf(server, mutationOf(event, RECORDED), { id, occurredAt: latest });
    expect(accepted).toEqual(recordedAt(latest));
  });

  test('equal to that of the last transition is accepted', async () => {
    const id = await livingIn(server, accepting(event));
    const occurredAt = await lastOf(id);
    const { outcome } = await dataOf(server, mutationOf(event, RECORDED), { id, occurredAt });
    expect({ outcome }).toEqual(recordedAt(occurredAt));
  });
});

test('the accepted range ends with the last transition, if that is more than five seconds ahead', async () => {
  const id = await livingIn(server, 'Gestating');
  const { outcome } = await dataOf(server, mutationOf('Birth', OUTCOME), {
    id,
    occurredAt: '9999-12-31T23:59:59.999Z',
  });
  const born = await dataOf(server, mutationOf('Birth', '... on Alive { bornAt }'), {
    id,
    occurredAt: outcome.latest,
  });
  const { outcome: tooEarly } = await dataOf(server, mutationOf('Death', OUTCOME), {
    id,
    occurredAt: '0001-01-01T00:00:00Z',
  });
  expect(tooEarly.earliest).toBe(born.outcome.bornAt);
  expect(Date.parse(tooEarly.latest)).toBeGreaterThanOrEqual(Date.parse(tooEarly.earliest));
});

test('if several things are wrong, the answer reports the input first, then the life, the transition and the time', async () => {
  const [gestating, alive] = [await livingIn(server, 'Gestating'), await livingIn(server, 'Alive')];
  const refusalOf = async (id: string): Promise<unknown> => {
    const { data, errors } = await ask(server, mutationOf('Birth', '__typename'), {
      id,
      occurredAt: '0001-01-01T00:00:00Z',
    });
    return errors?.[0]?.extensions['code'] ?? data.outcome.__typename;
  };
  expect(await refusalOf('no UUID')).toBe('BAD_USER_INPUT');
  expect(await refusalOf(uuidv7())).toBe('LifeNotFound');
  expect(await refusalOf(alive)).toBe('IllegalTransition');
  expect(await refusalOf(gestating)).toBe('OccurredAtOutOfRange');
});
