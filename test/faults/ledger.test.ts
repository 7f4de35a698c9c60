/**
 * An operator has set the ledger back, so positions would be given twice. An instance that notices it stops all
 * changes, logs a fatal error, and still answers queries.
 */
import { contentsOf } from '../api/store';
import { type TestServer, ask, startServer } from '../harness';
import { Scene, codesOf } from './Scene';

const FATAL = 60;
const CONCEIVE = 'mutation { outcome: conceive { __typename } }';

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.open();
  // Every row of the ledger can then be set back by three positions.
  while ((await scene.lowestPosition()) < 3) await scene.conceive();
});

afterEach(async () => {
  await scene.check();
});

afterEach(async () => {
  await scene.close();
});

/** Moves the ledger. Only the table's owner can do that, with the trigger disabled. */
async function tamper(positions: number): Promise<void> {
  await scene.owner.query('BEGIN');
  await scene.owner.query('ALTER TABLE ledger DISABLE TRIGGER USER');
  await scene.owner.query('UPDATE ledger SET position = position + $1', [positions]);
  await scene.owner.query('ALTER TABLE ledger ENABLE TRIGGER USER');
  await scene.owner.query('COMMIT');
}

const statusOf = async ({ url }: TestServer, path: string): Promise<number> =>
  (await fetch(`${url}${path}`)).status;

const fatalitiesOf = ({ logs }: TestServer): unknown[] =>
  logs.filter(({ level }) => level === FATAL).map(({ msg }) => msg);

test('an instance that finds the ledger broken makes no more changes, for good, and still answers queries', async () => {
  const { server } = scene;
  const ids = await Promise.all(Array.from({ length: 10 }, async () => scene.conceive()));
  const before = await contentsOf(scene.owner);
  const reading =
    '{ census { total cursor } lives { nodes { id } } transitions { nodes { version } } }';
  const read = await scene.dataOf(reading);
  expect(await statusOf(server, '/readyz')).toBe(200);
  await tamper(-3);
  const tampered = await contentsOf(scene.owner);

  // Several at once, so that they take more than one statement.
  const refused = await Promise.all([
    ...ids.map(async (id) => scene.mutate('birth', { id })),
    ask(server, CONCEIVE),
    scene.mutate('die', { id: ids[0] ?? '', idempotencyKey: 'a key' }),
  ]);
  expect(refused.map(codesOf)).toEqual(refused.map(() => ['DATABASE_UNAVAILABLE']));
  expect(fatalitiesOf(server)).toEqual(['The ledger is broken: no more changes are accepted']);
  expect(await statusOf(server, '/readyz')).toBe(503);
  expect(await statusOf(server, '/healthz')).toBe(200);
  expect(await contentsOf(scene.owner)).toEqual(tampered);

  // Queries are answered, and refusals that need no write as well.
  const { lives, transitions } = await scene.dataOf(reading);
  expect({ lives, transitions }).toEqual({ lives: read.lives, transitions: read.transitions });
  const { data } = await scene.mutate('birth', { id: '00000000-0000-4000-8000-000000000000' });
  expect(data.outcome.__typename).toBe('LifeNotFound');

  // An operator repairs the ledger. The instance still makes no changes until it is restarted.
  await tamper(3);
  expect(await contentsOf(scene.owner)).toEqual(before);
  expect(codesOf(await ask(server, CONCEIVE))).toEqual(['DATABASE_UNAVAILABLE']);
  expect(fatalitiesOf(server)).toHaveLength(1);
  expect(await contentsOf(scene.owner)).toEqual(before);
  const successor = await startServer({ DATABASE_URL: scene.database.url });
  const [id = ''] = ids;
  expect((await scene.mutate('birth', { id }, successor)).data).toEqual({
    outcome: { __typename: 'Alive', id, version: 2 },
  });
  await successor.stop();
});

test('each instance detects the broken ledger by itself', async () => {
  const neighbour = await startServer({ DATABASE_URL: scene.database.url });
  await tamper(-1);
  for (const server of [scene.server, neighbour]) {
    expect(await statusOf(server, '/readyz')).toBe(200);
    expect(codesOf(await ask(server, CONCEIVE))).toEqual(['DATABASE_UNAVAILABLE']);
    expect(await statusOf(server, '/readyz')).toBe(503);
    expect(fatalitiesOf(server)).toHaveLength(1);
  }
  await neighbour.stop();
  await tamper(1);
});
