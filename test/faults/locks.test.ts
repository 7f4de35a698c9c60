/**
 * A foreign session holds row locks for a long time, as an operator's psql may. Only the locked lives are affected:
 * requests for them wait, and fail at the deadline.
 */
import type { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import { type Answer, ask } from '../harness';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { lockLedger, partitionOf } from '../harness/partition';
import { Scene, codesOf } from './Scene';
import { type Answers, watchAnswers } from '../../packages/persistent-machine/test/harness/answers';

const CONCEIVE = 'mutation ($id: ID) { outcome: conceive(id: $id) { __typename id version } }';

let scene: Scene;
let rival: Client;
let answers: Answers;

beforeAll(async () => {
  // Few connections, all of which could end up waiting for the locks.
  scene = await Scene.open({ REQUEST_TIMEOUT_MS: '4000', DATABASE_POOL_SIZE: '3' });
});

beforeEach(async () => {
  answers = watchAnswers();
  rival = await scene.connect();
  await rival.query('BEGIN');
});

afterEach(async () => {
  for (const timer of asking) clearInterval(timer);
  asking.clear();
  answers.stop();
  await scene.check();
});

afterAll(async () => {
  await scene.close();
});

const conceive = async (id: string): Promise<Answer> => ask(scene.server, CONCEIVE, { id });
const birth = async (id: string): Promise<Answer> => scene.mutate('birth', { id });
const eventsOf = async (id: string): Promise<string[]> =>
  (await scene.history(id)).map(({ event }) => event);
const manyLives = async (number: number): Promise<string[]> =>
  Promise.all(Array.from({ length: number }, async () => scene.conceive()));

/** The timers of requests that a test repeats, until it ends at the latest. */
const asking = new Set<NodeJS.Timeout>();

/** Repeats a request. @returns a function that stops, and returns all answers */
function keepAsking(what: () => Promise<Answer>): () => Promise<Answer[]> {
  const told: Promise<Answer>[] = [];
  const ask = (): void => {
    const answer = what();
    // A failed test does not read this answer.
    answer.catch(() => undefined);
    told.push(answer);
  };
  ask();
  const timer = setInterval(ask, 1_000);
  asking.add(timer);
  return async () => {
    clearInterval(timer);
    return Promise.all(told);
  };
}

describe.each([1, 10])('while another session holds locks on %i lives,', (number) => {
  test('births of other lives succeed, and those of the locked lives are OVERLOADED, not applied, and succeed after the locks are released', async () => {
    const locked = await manyLives(number);
    await rival.query('SELECT FROM lives WHERE id = ANY ($1) FOR UPDATE', [locked]);
    const enough = locked.map((id) => keepAsking(async () => birth(id)));
    // The server has sent a group that contains one of them.
    await until(() => answers.of('lives/swap').length > 0);

    for (let round = 0; round < 5; round += 1) {
      const others = await manyLives(10);
      for (const { data, errors } of await Promise.all(others.map(birth))) {
        expect(errors).toBeUndefined();
        expect(data.outcome.__typename).toBe('Alive');
      }
    }

    const told = await Promise.all(enough.map((stop) => stop()));
    for (const answer of told.flat()) expect(codesOf(answer)).toEqual(['OVERLOADED']);
    for (const id of locked) expect(await eventsOf(id)).toEqual(['Conception']);

    const tried = answers.of('lives/swap').length;
    const births = locked.map(birth);
    await until(() => answers.of('lives/swap').length > tried);
    await rival.query('ROLLBACK');
    for (const { data } of await Promise.all(births)) expect(data.outcome.__typename).toBe('Alive');
    for (const id of locked) expect(await eventsOf(id)).toEqual(['Conception', 'Birth']);
  });
});

describe.each([1, 10])('while another session inserts %i ids,', (number) => {
  test('conceptions of other ids succeed, and those of these ids are OVERLOADED, and succeed after a rollback', async () => {
    const ids = Array.from({ length: number }, () => uuidv7());
    await rival.query(
      `INSERT INTO lives (partition, id, version, state_type, created_at, updated_at)
       SELECT ${partitionOf('id')}, id, 1, 'Gestating', '2020-01-01Z', '2020-01-01Z' FROM unnest($1::uuid[]) AS id`,
      [ids],
    );
    const enough = ids.map((id) => keepAsking(async () => conceive(id)));
    await until(() => answers.of('lives/begin').includes('55P03'));

    for (let round = 0; round < 5; round += 1) {
      const others = Array.from({ length: 10 }, () => uuidv7());
      const conceptions = await Promise.all(others.map(conceive));
      expect(conceptions.map(({ data, errors }) => [data?.outcome?.id, errors])).toEqual(
        others.map((id) => [id, undefined]),
      );
    }

    const told = await Promise.all(enough.map((stop) => stop()));
    for (const answer of told.flat()) expect(codesOf(answer)).toEqual(['OVERLOADED']);

    const tried = answers.of('lives/begin').length;
    const conceptions = ids.map(conceive);
    await until(() => answers.of('lives/begin').length > tried);
    await rival.query('ROLLBACK');
    for (const { errors } of await Promise.all(conceptions)) expect(errors).toBeUndefined();
    for (const id of ids) expect(await eventsOf(id)).toEqual(['Conception']);
  });
});

test('while another session holds up every change, queries do not wait for it', async () => {
  const ids = await manyLives(30);
  await lockLedger(rival);
  const ended = (): number => answers.of('lives/swap').length + answers.of('lives/begin').length;
  const before = ended();
  const changes = ids.flatMap((id) => [birth(id), conceive(uuidv7())]);
  await scene.untilWaiting(2);
  await scene.dataOf('{ lives { nodes { id } } transitions { nodes { version } } }');
  // So the queries were answered while the statements of all changes waited.
  expect(ended()).toBe(before);
  await rival.query('ROLLBACK');
  for (const { errors } of await Promise.all(changes)) expect(errors).toBeUndefined();
  for (const id of ids) expect(await eventsOf(id)).toEqual(['Conception', 'Birth']);
});
