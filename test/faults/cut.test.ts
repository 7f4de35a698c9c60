/**
 * A connection is cut during a change. The caller learns the outcome as soon as the database can be asked, or else gets
 * a key to retry with, and no change happens twice.
 */
import { uuidv7 } from 'uuidv7';
import { type Answer, ask, startServer } from '../harness';
import type { Cut } from '../harness/proxy';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { Scene, codesOf, outagesOf } from './Scene';
import { watchAnswers } from '../../packages/persistent-machine/test/harness/answers';

/** Long enough for a busy machine to reconnect. */
const PATIENT = { REQUEST_TIMEOUT_MS: '20000' };
/** Short enough for a test to wait for. */
const HASTY = { REQUEST_TIMEOUT_MS: '1000' };

/** The timeout in the tests that measure time, in milliseconds. */
const TIMEOUT = 1_000;

const CUTS: readonly Cut[] = ['before the database gets it', 'once the database has answered'];

const CONCEIVE = `mutation ($id: ID) { outcome: conceive(id: $id) { __typename id version } }`;

/** Every change, with the event that it records. */
const CHANGES = [
  { what: 'a conception', event: 'Conception', key: false },
  { what: 'a conception with an id', event: 'Conception', key: true },
  { what: 'a birth', event: 'Birth', key: false },
  { what: 'a birth with a key', event: 'Birth', key: true },
  { what: 'a death', event: 'Death', key: false },
  { what: 'a death with a key', event: 'Death', key: true },
] as const;

const matrix = CUTS.flatMap((cut) => CHANGES.map((change) => ({ ...change, cut })));

let scene: Scene;

/** One scene for all tests of a block. */
function play(environment: Readonly<Record<string, string>>): void {
  beforeAll(async () => {
    scene = await Scene.open(environment);
  });

  afterEach(async () => {
    await scene.check();
  });

  afterAll(async () => {
    await scene.close();
  });
}

interface Asked {
  /** The name of the statement that makes the change. */
  readonly statement: string;
  /** The arguments of the caller that make a retry safe, if it gave such. */
  readonly given: Readonly<Record<string, string>>;
  /** Asks for the change, optionally with other arguments for a retry. */
  readonly ask: (retryWith?: Readonly<Record<string, string>>) => Promise<Answer>;
  /** The life's id, once it is known. */
  readonly idOf: (answer: Answer) => string;
}

/** Prepares a change up to the request. */
async function prepare({ event, key }: (typeof CHANGES)[number]): Promise<Asked> {
  if (event === 'Conception') {
    const given = key ? { id: uuidv7() } : {};
    return {
      statement: 'lives/begin',
      given,
      ask: (retryWith = given) => ask(scene.server, CONCEIVE, retryWith),
      idOf: ({ data, errors }) => data?.outcome?.id ?? errors?.[0]?.extensions['id'],
    };
  }
  const id = await scene.conceive();
  const given = key ? { idempotencyKey: 'the caller’s own' } : {};
  return {
    statement: 'lives/swap',
    given,
    ask: (retryWith = given) =>
      scene.mutate(event === 'Birth' ? 'birth' : 'die', { id, ...retryWith }),
    idOf: () => id,
  };
}

const STATES = { Conception: 'Gestating', Birth: 'Alive', Death: 'Dead' } as const;

const expected = (event: keyof typeof STATES, id: string): object => ({
  outcome: { __typename: STATES[event], id, version: event === 'Conception' ? 1 : 2 },
});

const eventsOf = async (id: string): Promise<string[]> =>
  (await scene.history(id)).map(({ event }) => event);

const eventsUpTo = (event: string): string[] =>
  event === 'Conception' ? [event] : ['Conception', event];

describe('if the database can be reached again within the deadline,', () => {
  play(PATIENT);

  test.each(matrix)('$what that is cut $cut gets its true outcome', async ({ cut, ...change }) => {
    const asked = await prepare(change);
    const before = await scene.transitions();
    const isCut = scene.network.cut(asked.statement, cut);
    const answer = await asked.ask();
    await isCut;
    const id = asked.idOf(answer);
    expect(answer.errors).toBeUndefined();
    expect(answer.data).toEqual(expected(change.event, id));
    expect(await eventsOf(id)).toEqual(eventsUpTo(change.event));
    expect(await scene.transitions()).toBe(before + 1);
    // A retry changes nothing.
    if (change.key) expect((await asked.ask()).data).toEqual(answer.data);
    expect(await scene.transitions()).toBe(before + 1);
  });

  test.each(CUTS)('each request of a group that is cut %s gets its true outcome', async (cut) => {
    const ids = await scene.conceiveTogether(20);
    const before = await scene.transitions();
    const isCut = scene.network.cut('lives/swap', cut);
    const answers = await Promise.all(ids.map(async (id) => scene.mutate('birth', { id })));
    await isCut;
    expect(answers.map(({ data }) => data)).toEqual(ids.map((id) => expected('Birth', id)));
    expect(await scene.transitions()).toBe(before + ids.length);
  });

  test('the server looks up the outcomes of a large group that was cut together', async () => {
    const ids = await scene.conceiveTogether(200);
    const answers = watchAnswers();
    try {
      const isCut = scene.network.cut('lives/swap', 'once the database has answered');
      const births = await Promise.all(ids.map(async (id) => scene.mutate('birth', { id })));
      await isCut;
      expect(births.map(({ data }) => data)).toEqual(ids.map((id) => expected('Birth', id)));
      const lookups = answers.of('lives/find-version');
      expect(lookups.length).toBeGreaterThan(0);
      expect(lookups.length).toBeLessThanOrEqual(4);
    } finally {
      answers.stop();
    }
  });

  test('a change gets its true outcome, even if its settlement is cut again and again', async () => {
    const id = await scene.conceive();
    const cuts = [
      scene.network.cut('lives/swap', 'once the database has answered'),
      scene.network.cut('lives/swap', 'once the database has answered'),
      scene.network.cut('lives/swap', 'before the database gets it'),
      scene.network.cut('lives/find-version', 'before the database gets it'),
      scene.network.cut('lives/find-version', 'once the database has answered'),
    ];
    const { data } = await scene.mutate('birth', { id });
    await Promise.all(cuts);
    expect(data).toEqual(expected('Birth', id));
    expect(await eventsOf(id)).toEqual(['Conception', 'Birth']);
  });

  test('a retried conception that is cut in the middle gets the original outcome', async () => {
    const id = await scene.conceive();
    await scene.mutate('birth', { id });
    const cuts = [
      scene.network.cut('lives/begin', 'once the database has answered'),
      scene.network.cut('lives/find-version', 'before the database gets it'),
    ];
    const { data } = await ask(scene.server, CONCEIVE, { id });
    await Promise.all(cuts);
    expect(data).toEqual(expected('Conception', id));
    expect(await eventsOf(id)).toEqual(['Conception', 'Birth']);
  });

  test('a lost change is not mistaken for another client’s change that came before its retry', async () => {
    const id = await scene.conceive();
    const isCut = scene.network.cut('lives/swap', 'before the database gets it', {
      thenRefuse: true,
    });
    const birth = scene.mutate('birth', { id, idempotencyKey: 'mine' });
    await isCut;
    // Meanwhile the life dies through another instance.
    const neighbour = await startServer({ DATABASE_URL: scene.database.url });
    const death = await scene.mutate('die', { id }, neighbour);
    expect(death.data).toEqual(expected('Death', id));
    await neighbour.stop();
    await scene.network.accept();
    expect((await birth).data).toEqual({
      outcome: { __typename: 'IllegalTransition', message: expect.any(String) },
    });
    expect(await eventsOf(id)).toEqual(['Conception', 'Death']);
  });

  test.each([
    { what: 'was applied after all', apply: true },
    { what: 'was not applied', apply: false },
  ])(
    'a birth that PostgreSQL still runs after its connection was lost, and that $what, gets its true outcome',
    async ({ apply }) => {
      const id = await scene.conceive();
      const letGo = await scene.holdCommits();
      const answers = watchAnswers();
      const isCut = scene.network.cut('lives/swap', 'while the database runs it');
      const birth = scene.mutate('birth', { id });
      await isCut;
      // The first birth waits for the ledger, and locks the life. So the server's retry skips that life, which proves
      // nothing about the first.
      await scene.untilWaiting();
      await until(() => answers.of('lives/swap').filter((answer) => answer === 'ok').length >= 2);
      const [first] = await waitingForTheLedger();
      if (!apply) await scene.owner.query('SELECT pg_terminate_backend($1, 10000)', [first]);
      await letGo();
      const { data, errors } = await birth;
      answers.stop();
      expect(errors).toBeUndefined();
      expect(data).toEqual(expected('Birth', id));
      expect(await eventsOf(id)).toEqual(['Conception', 'Birth']);
    },
  );

  test('requests wait until the database can be reached', async () => {
    const id = await scene.conceive();
    const before = outagesOf(scene.server).length;
    scene.network.refuse();
    const asked = Promise.all([
      scene.mutate('birth', { id }),
      ask(scene.server, CONCEIVE),
      ask(scene.server, 'query ($id: ID!) { life(id: $id) { id } }', { id }),
      ask(scene.server, '{ lives { totalCount } }'),
      ask(scene.server, '{ transitions(first: 1) { nodes { version } } }'),
    ]);
    await until(() => outagesOf(scene.server).at(-1) === 'lost');
    await scene.network.accept();
    const [birth, conception, life, lives, transitions] = await asked;
    expect(outagesOf(scene.server).slice(before)).toEqual(['lost', 'back']);
    expect(birth.data).toEqual(expected('Birth', id));
    expect(conception.errors).toBeUndefined();
    expect(life.data).toEqual({ life: { id } });
    expect(lives.errors).toBeUndefined();
    expect(transitions.data).toEqual({ transitions: { nodes: [{ version: 1 }] } });
  });

  test.each(CUTS)(
    'a read that is cut %s is answered, or fails with DATABASE_UNAVAILABLE',
    async (cut) => {
      const id = await scene.conceive();
      const isCut = scene.network.cut('lives/find', cut);
      expect(await scene.dataOf('query ($id: ID!) { life(id: $id) { id } }', { id })).toEqual({
        life: { id },
      });
      await isCut;
      for (const [statement, query] of [
        ['ledger/census', '{ census { total } }'],
        ['lives/oldestFirst/start', '{ lives { nodes { id } } }'],
        ['life_transitions/feed/start', '{ transitions { nodes { version } } }'],
      ] as const) {
        const isCutOff = scene.network.cut(statement, cut);
        const answer = await ask(scene.server, query);
        await isCutOff;
        if (answer.errors) expect(codesOf(answer)).toEqual(['DATABASE_UNAVAILABLE']);
      }
      expect(scene.server.logs.filter(({ level }) => Number(level) >= 50)).toEqual([]);
    },
  );
});

/** The sessions of the server that wait for the ledger's row, which the test holds. */
async function waitingForTheLedger(): Promise<number[]> {
  const { rows } = await scene.owner.query<{ pid: number }>(
    `SELECT waiting.pid FROM pg_stat_activity AS waiting
     JOIN pg_stat_activity AS blocking ON blocking.pid = ANY (pg_blocking_pids(waiting.pid))
     WHERE waiting.datname = current_database() AND blocking.application_name = ''`,
  );
  return rows.map(({ pid }) => pid);
}

describe('if the database cannot be reached again before the deadline,', () => {
  play(HASTY);

  test.each(matrix)(
    '$what that is cut $cut has an unknown outcome, and the retry gets the original one',
    async ({ cut, ...change }) => {
      const asked = await prepare(change);
      const before = await scene.transitions();
      const isCut = scene.network.cut(asked.statement, cut, { thenRefuse: true });
      const unknown = await asked.ask();
      expect(codesOf(unknown)).toEqual(['OUTCOME_UNKNOWN']);
      await isCut;
      expect(unknown.data).toEqual({ outcome: null });
      const { code, requestId, ...retryWith } = unknown.errors?.[0]?.extensions ?? {};
      expect([code, requestId]).toEqual(['OUTCOME_UNKNOWN', expect.any(String)]);
      const argument = change.event === 'Conception' ? 'id' : 'idempotencyKey';
      expect(retryWith).toEqual({ [argument]: expect.any(String), ...asked.given });
      const applied = cut === 'once the database has answered';
      expect(await scene.transitions()).toBe(before + Number(applied));

      await scene.network.accept();
      const id = asked.idOf(unknown);
      const again = (): Promise<Answer> => asked.ask({ [argument]: String(retryWith[argument]) });
      const answers = await Promise.all([again(), again(), again()]);
      for (const { data } of answers) expect(data).toEqual(expected(change.event, id));
      expect(await eventsOf(id)).toEqual(eventsUpTo(change.event));

      // Also after later events.
      if (change.event !== 'Death') {
        const { data } = await scene.mutate('die', { id });
        expect(data.outcome.__typename).toBe('Dead');
        expect((await again()).data).toEqual(expected(change.event, id));
      }
      expect(await scene.transitions()).toBe(before + (change.event === 'Death' ? 1 : 2));
    },
  );

  test('the key for the retry of a lost birth serves only that birth', async () => {
    const id = await scene.conceive();
    const isCut = scene.network.cut('lives/swap', 'once the database has answered', {
      thenRefuse: true,
    });
    const { errors } = await scene.mutate('birth', { id });
    await isCut;
    await scene.network.accept();
    const idempotencyKey = errors?.[0]?.extensions['idempotencyKey'];
    const { data } = await scene.mutate('die', { id, idempotencyKey });
    expect(data).toEqual({
      outcome: { __typename: 'IdempotencyKeyReused', message: expect.any(String) },
    });
    const other = await scene.conceive();
    expect((await scene.mutate('birth', { id: other, idempotencyKey })).data).toEqual(
      expected('Birth', other),
    );
    expect(await eventsOf(id)).toEqual(['Conception', 'Birth']);
  });

  test('a lost retry of a conception is answered with OUTCOME_UNKNOWN, because the first attempt was applied', async () => {
    const isCut = Promise.all([
      scene.network.cut('lives/begin', 'once the database has answered'),
      scene.network.cut('lives/find-version', 'before the database gets it', { thenRefuse: true }),
    ]);
    const before = await scene.transitions();
    const unknown = await ask(scene.server, CONCEIVE);
    await isCut;
    expect(codesOf(unknown)).toEqual(['OUTCOME_UNKNOWN']);
    expect(await scene.transitions()).toBe(before + 1);
    await scene.network.accept();
    const id = String(unknown.errors?.[0]?.extensions['id']);
    expect((await ask(scene.server, CONCEIVE, { id })).data).toEqual(expected('Conception', id));
  });

  test('requests fail with DATABASE_UNAVAILABLE, and change nothing', async () => {
    const id = await scene.conceive();
    const before = await scene.transitions();
    scene.network.refuse();
    const answers = await Promise.all([
      scene.mutate('birth', { id }),
      scene.mutate('die', { id, idempotencyKey: 'a key' }),
      ask(scene.server, CONCEIVE),
      ask(scene.server, CONCEIVE, { id: uuidv7() }),
      ask(scene.server, 'query ($id: ID!) { life(id: $id) { id } }', { id }),
      ask(scene.server, '{ census { total } }'),
    ]);
    for (const answer of answers) expect(codesOf(answer)).toEqual(['DATABASE_UNAVAILABLE']);
    await scene.network.accept();
    expect((await scene.mutate('birth', { id })).data).toEqual(expected('Birth', id));
    expect(await scene.transitions()).toBe(before + 1);
  });
});

describe('a silent network', () => {
  play({ REQUEST_TIMEOUT_MS: String(TIMEOUT) });
  test('delays an answer for not much longer than a request may take, and what it delivers later changes nothing', async () => {
    const [one, other] = [await scene.conceive(), await scene.conceive()];
    const before = await scene.transitions();
    const letGo = await scene.holdCommits();
    const started = Date.now();
    const birth = scene.mutate('birth', { id: one, idempotencyKey: 'mine' });
    await scene.untilWaiting();
    scene.network.silence();
    await letGo();
    const [answer, read, write] = await Promise.all([
      birth,
      ask(scene.server, 'query ($id: ID!) { life(id: $id) { id } }', { id: one }),
      scene.mutate('birth', { id: other, idempotencyKey: 'mine, too' }),
    ]);
    // One timeout for a connection, one for a statement, and some time for a busy machine.
    expect(Date.now() - started).toBeLessThan(3 * TIMEOUT);
    expect(codesOf(answer)).toEqual(['OUTCOME_UNKNOWN']);
    expect(codesOf(read)).toEqual(['DATABASE_UNAVAILABLE']);
    expect(codesOf(write)).toEqual(['DATABASE_UNAVAILABLE']);
    await until(async () => (await scene.transitions()) > before);

    scene.network.speak();
    expect((await scene.mutate('birth', { id: one, idempotencyKey: 'mine' })).data).toEqual(
      expected('Birth', one),
    );
    expect((await scene.mutate('die', { id: other })).data).toEqual(expected('Death', other));
    expect(await scene.transitions()).toBe(before + 2);
  });

  test('may deliver a birth after its request has ended, and retries get that birth or make the only one', async () => {
    const id = await scene.conceive();
    const before = await scene.transitions();
    const isSilent = scene.network.silenceAt('lives/swap');
    const unknown = await scene.mutate('birth', { id });
    await isSilent;
    expect(codesOf(unknown)).toEqual(['OUTCOME_UNKNOWN']);
    expect(await scene.transitions()).toBe(before);
    scene.network.speak();
    const idempotencyKey = unknown.errors?.[0]?.extensions['idempotencyKey'];
    const answers = await Promise.all(
      Array.from({ length: 5 }, async () => scene.mutate('birth', { id, idempotencyKey })),
    );
    for (const { data } of answers) expect(data).toEqual(expected('Birth', id));
    await until(async () => (await scene.sessions()).every(({ waits }) => !waits));
    expect(await eventsOf(id)).toEqual(['Conception', 'Birth']);
  });
});
