/**
 * Another session of the database that holds a lock for long, as a person's does who has begun a transaction by
 * hand. Only the lives that it has locked may suffer: theirs wait, and are told so at the deadline.
 */
import type { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import { type Answer, ask } from '../harness';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { Scene, codesOf } from './Scene';
import { type Answers, watchAnswers } from '../../packages/persistent-machine/test/harness/answers';

const CONCEIVE = 'mutation ($id: ID) { outcome: conceive(id: $id) { __typename id version } }';

let scene: Scene;
let rival: Client;
let answers: Answers;

beforeAll(async () => {
  // Few connections, all of which what is locked could take.
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

/** Those who ask again and again until the end of the test, if not before. */
const asking = new Set<NodeJS.Timeout>();

/** Asks for something again and again; @returns how to stop, and what was told */
function keepAsking(what: () => Promise<Answer>): () => Promise<Answer[]> {
  const told: Promise<Answer>[] = [];
  const ask = (): void => {
    const answer = what();
    // A test that has failed does not look at it.
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

describe.each([1, 10])('while another session has locked %i lives,', (number) => {
  test('births of others succeed; theirs are OVERLOADED, not applied, and succeed once it lets go', async () => {
    const locked = await manyLives(number);
    await rival.query('SELECT FROM lives WHERE id = ANY ($1) FOR UPDATE', [locked]);
    const enough = locked.map((id) => keepAsking(async () => birth(id)));
    // A group with one of them was sent.
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

describe.each([1, 10])('while another session is inserting %i ids,', (number) => {
  test('conceptions of others succeed; theirs are OVERLOADED, and succeed once it lets go', async () => {
    const ids = Array.from({ length: number }, () => uuidv7());
    await rival.query(
      `INSERT INTO lives (id, version, state_type, created_at, updated_at)
       SELECT id, 1, 'Gestating', '2020-01-01Z', '2020-01-01Z' FROM unnest($1::uuid[]) AS id`,
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
