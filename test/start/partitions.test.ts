/**
 * How many partitions a database has, over several starts of the command: the first start decides, and no later one
 * changes it.
 */
import { Client } from 'pg';
import { revert } from 'persistent-machine/database/migrate';
import { createDataSource } from '../../ormconfig';
import { contentsOf } from '../api/store';
import { type TestDatabase, ask, createTestDatabase } from '../harness';
import { type ServerProcess, serverOf, startProcess } from '../harness/serverProcess';

/** On a busy machine, milliseconds may become seconds. */
const PATIENCE = { REQUEST_TIMEOUT_MS: '60000', SHUTDOWN_GRACE_MS: '60000' };

/** Of eight partitions, the MD5 of one id chooses the third, and that of the other one the sixth. */
const [inThird, inSixth] = [
  'c0ffee00-0000-4000-8000-000000000005',
  'c0ffee00-0000-4000-8000-000000000008',
] as const;

let database: TestDatabase;
let owner: Client;
let started: ServerProcess[];

beforeEach(async () => {
  started = [];
  database = await createTestDatabase(null);
  owner = new Client({ connectionString: database.url });
  await owner.connect();
});

afterEach(async () => {
  for (const each of started) await each.stop();
  await owner.end();
  await database.drop();
});

async function start(environment: Record<string, string> = {}): Promise<ServerProcess> {
  const running = await startProcess({ DATABASE_URL: database.url, ...PATIENCE, ...environment });
  started.push(running);
  return running;
}

async function conceive(running: ServerProcess, id: string): Promise<void> {
  const { data } = await ask(
    serverOf(running),
    'mutation ($id: ID) { conceive(id: $id) { phase } }',
    { id },
  );
  expect(data).toEqual({ conceive: { phase: 'GESTATING' } });
}

async function expectRows(positions: readonly number[]): Promise<void> {
  const { lives, transitions, ledger } = await contentsOf(owner);
  expect(lives).toEqual([
    expect.objectContaining({ id: inThird, partition: 3 }),
    expect.objectContaining({ id: inSixth, partition: 6 }),
  ]);
  expect(transitions).toEqual([
    expect.objectContaining({ life_id: inThird, partition: 3, position: '1' }),
    expect.objectContaining({ life_id: inSixth, partition: 6, position: '1' }),
  ]);
  expect(ledger).toHaveLength(positions.length);
  expect(ledger).toEqual(
    expect.arrayContaining(
      positions.map((position, partition) =>
        expect.objectContaining({ partition, position: String(position) }),
      ),
    ),
  );
}

test('the first start of a database decides how many partitions it has, and later starts keep them', async () => {
  const first = await start({ PARTITIONS: '8' });
  await conceive(first, inThird);
  await first.stop();
  const second = await start();
  await conceive(second, inSixth);
  const positions = [0, 0, 0, 1, 0, 0, 1, 0];
  await expectRows(positions);

  const refused = await start({ PARTITIONS: '4' });
  expect(refused.url).toBeUndefined();
  expect(await refused.ended).toEqual({
    code: 1,
    complaint:
      'PARTITIONS=4, but the database has 8 partitions, and that number never changes: unset PARTITIONS, or begin ' +
      'with an empty database.\n',
  });
  await expectRows(positions);

  await second.stop();
  const dataSource = createDataSource({ url: database.url, poolSize: 1, connectTimeout: 60_000 });
  await dataSource.initialize();
  // The version before has one ledger's row, which cannot count what is in several partitions.
  await expect(revert(dataSource)).rejects.toMatchObject({ code: '23505' }); // unique_violation
  await dataSource.destroy();
  await expectRows(positions);
});
