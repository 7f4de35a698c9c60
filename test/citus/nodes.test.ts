/**
 * A Citus cluster as the database: where changes go, what a lost worker costs, and what the nodes refuse. Runs with
 * TEST_TOPOLOGY=citus alone.
 */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import type { DataSource, MigrationInterface, QueryRunner } from 'typeorm';
import { Database } from 'persistent-machine/database/Database';
import { RefusedData } from 'persistent-machine/database/failures';
import { migrate } from 'persistent-machine/database/migrate';
import { entitiesOf } from 'persistent-machine/integrity';
import { begin } from 'persistent-machine/operations/begin';
import type { Applied, Change } from 'persistent-machine/operations/change';
import type { Group, Operation } from 'persistent-machine/operations/Operation';
import { partitionOf } from 'persistent-machine/operations/partition';
import { swap } from 'persistent-machine/operations/swap';
import { type MachineTables, tablesOf } from 'persistent-machine/operations/tables';
import { MIGRATIONS } from '../../migrations';
import { createDataSource } from '../../ormconfig';
import { Life } from '../../src/entities';
import { Alive, Dead, type Gestating, lives } from '../../src/machine';
import { contentsOf } from '../api/store';
import { type TestServer, ask, createTestDatabase, startServer } from '../harness';
import { startWorker, stopWorker } from '../harness/citus';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { problemsOf } from '../faults/integrity';

const PARTITIONS = 8;

/** So that a refusal does not take long. */
const REQUEST_TIMEOUT_MS = '3000';

let server: TestServer;
let owner: Client;
let dataSource: DataSource;
let tables: MachineTables;
let bystander: string;
/** For each worker, the partitions on it. */
let partitionsOf: readonly (readonly number[])[];

beforeAll(async () => {
  server = await startServer({ REQUEST_TIMEOUT_MS });
  const { url = '' } = server.database ?? {};
  owner = new Client({ connectionString: url });
  await owner.connect();
  dataSource = createDataSource({ url, poolSize: 2, connectTimeout: 10_000 });
  await dataSource.initialize();
  tables = tablesOf(dataSource, entitiesOf(Life), PARTITIONS, true);
  bystander = idIn([0, 1, 2, 3, 4, 5, 6, 7]);
  await conceive(bystander);
  const { rows } = await owner.query<{ port: number; partition: number }>(
    `SELECT nodeport AS port, partition FROM generate_series(0, $1) AS partition
     JOIN citus_shards ON shardid = get_shard_id_for_distribution_column('lives', partition)`,
    [PARTITIONS - 1],
  );
  const ports = [...new Set(rows.map(({ port }) => port))].sort((one, other) => one - other);
  partitionsOf = ports.map((port) =>
    rows.filter((row) => row.port === port).map(({ partition }) => partition),
  );
});

afterAll(async () => {
  const { lives: kept } = await contentsOf(owner);
  expect(kept).toContainEqual(expect.objectContaining({ id: bystander, version: 1 }));
  expect(await problemsOf(owner)).toEqual([]);
  await owner.end();
  await dataSource.destroy();
  await server.stop();
});

/** An id in one of some partitions. */
function idIn(partitions: readonly number[] = []): string {
  for (;;) {
    const id = uuidv7();
    if (partitions.includes(partitionOf(id, PARTITIONS))) return id;
  }
}

async function codeOf(
  query: string,
  variables: Record<string, unknown>,
  place = server,
): Promise<unknown> {
  const { errors } = await ask(place, query, variables);
  return errors?.[0]?.extensions['code'] ?? 'done';
}

async function conceive(id: string, place = server): Promise<unknown> {
  return codeOf('mutation ($id: ID) { conceive(id: $id) { id } }', { id }, place);
}

function conceptionOf(id: string): Change & { readonly phase: Gestating } {
  const phase = lives.begin(id, {}, new Date());
  return {
    phase,
    partition: partitionOf(id, PARTITIONS),
    record: phase.state,
    event: 'Conception',
    from: null,
    data: null,
    occurredAt: phase.occurredAt,
    actor: null,
    idempotencyKey: null,
    token: null,
  };
}

function bornFrom(phase: Gestating): Alive {
  const alive = phase.birth({ occurredAt: null, now: new Date() });
  if (!(alive instanceof Alive)) throw new Error('A birth was refused.');
  return alive;
}

function birthOf({ state, occurredAt }: Alive, idempotencyKey: string | null = null): Change {
  return {
    partition: partitionOf(state.id, PARTITIONS),
    record: state,
    event: 'Birth',
    from: 'Gestating',
    data: null,
    occurredAt,
    actor: null,
    idempotencyKey,
    token: randomUUID(),
  };
}

describe('where statements go', () => {
  test('both partitions and shards are spread over the workers', () => {
    expect(partitionsOf.map(({ length }) => length)).toEqual([4, 4]);
  });

  test('the tables are distributed by partition, and lie together', async () => {
    const { rows } = await owner.query(
      `SELECT count(*)::integer AS tables, count(DISTINCT colocationid)::integer AS groups
       FROM pg_dist_partition WHERE logicalrelid::regclass::text = ANY ($1)
         AND column_to_column_name(logicalrelid, partkey) = 'partition'`,
      [Object.values(tables.names)],
    );
    expect(rows).toEqual([{ tables: 3, groups: 1 }]);
  });

  test('a group of conceptions, and one of births, asks one worker alone', async () => {
    const session = new Client({ connectionString: server.database?.url });
    await session.connect();
    const asked = new Set<string>();
    session.on('notice', ({ detail = '' }) => {
      const [, port] = /@[^ ]*:(\d+)/.exec(detail) ?? [];
      if (port !== undefined) asked.add(port);
    });
    await session.query('SET citus.log_remote_commands = on; SET client_min_messages = log');
    const run = async (
      operation: Operation<Change, boolean, Applied>,
      changes: Group<Change>,
    ): Promise<number> => {
      const { statement, values } = operation.query(changes);
      const { rows } = await session.query({ ...statement, values: [...values] });
      return rows.length;
    };
    const [first, ...others] = Array.from({ length: 16 }, () => conceptionOf(idIn([3])));
    if (first === undefined) throw new Error('There are 16.');
    // More often than PostgreSQL plans with the values.
    for (const change of [first, ...others]) {
      expect(await run(begin(tables), [change])).toBe(1);
      expect(await run(swap(tables), [birthOf(bornFrom(change.phase))])).toBe(1);
    }
    await session.end();
    expect([...asked]).toHaveLength(1);
  });
});

describe('with a worker away', () => {
  test('changes of its partitions are refused as not applied, and those of the others go on', async () => {
    const [here = [], away = []] = partitionsOf;
    const id = idIn(away);
    expect(await conceive(id)).toBe('done');
    await stopWorker(2);
    try {
      // A statement on a connection that the coordinator had kept may be lost with it.
      await until(async () => (await conceive(idIn(away))) === 'DATABASE_UNAVAILABLE');
      expect(
        await Promise.all([
          conceive(idIn(here)),
          conceive(idIn(here)),
          conceive(idIn(away)),
          codeOf('mutation ($id: ID!) { birth(id: $id) { __typename } }', { id }),
          codeOf('query ($id: ID!) { life(id: $id) { version } }', { id }),
          codeOf('{ lives { totalCount } }', {}),
        ]),
      ).toEqual([
        'done',
        'done',
        'DATABASE_UNAVAILABLE',
        'DATABASE_UNAVAILABLE',
        'DATABASE_UNAVAILABLE',
        'DATABASE_UNAVAILABLE',
      ]);
      // The server goes on, since the coordinator answers.
      expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    } finally {
      await startWorker(2);
    }
    expect(await conceive(idIn(away))).toBe('done');
    expect(await codeOf('mutation ($id: ID!) { birth(id: $id) { __typename } }', { id })).toBe(
      'done',
    );
  });

  test('a worker that is killed and comes back within a request’s time fails no request', async () => {
    const [, away = []] = partitionsOf;
    const ids = Array.from({ length: 40 }, () => idIn(away));
    let done = 0;
    const conceptions = ids.map(async (id, index) => {
      await until(async () => Promise.resolve(done >= index - 4));
      const code = await codeOf('mutation ($id: ID) { conceive(id: $id) { id } }', { id });
      done += 1;
      return code;
    });
    await until(async () => Promise.resolve(done > 10));
    await stopWorker(2);
    await startWorker(2);
    expect(new Set(await Promise.all(conceptions))).toEqual(new Set(['done']));
  });
});

test('a conception that waits for another session is OVERLOADED, and costs the others of its group no answer', async () => {
  const { url = '' } = server.database ?? {};
  // The group's statement, and then that of the waiting one alone, take two fifths of this time each.
  const patient = await startServer({ REQUEST_TIMEOUT_MS: '10000', DATABASE_URL: url });
  const rival = new Client({ connectionString: url });
  await rival.connect();
  try {
    const [held, ...others] = Array.from({ length: 6 }, () => idIn([6]));
    await rival.query('BEGIN');
    await rival.query(
      `INSERT INTO lives (partition, id, version, state_type, created_at, updated_at)
       VALUES (6, $1, 1, 'Gestating', '2020-01-01Z', '2020-01-01Z')`,
      [held],
    );
    const told = await Promise.all([held, ...others].map(async (id = '') => conceive(id, patient)));
    expect(told).toEqual(['OVERLOADED', ...others.map(() => 'done')]);
    await rival.query('ROLLBACK');
    expect(await conceive(held ?? '', patient)).toBe('done');
  } finally {
    await rival.end();
    await patient.stop();
  }
});

describe('what the nodes refuse', () => {
  let database: Database;
  let id: string;
  let conception: ReturnType<typeof conceptionOf>;

  const run = async (
    operation: Operation<Change, boolean, Applied>,
    change: Change,
  ): Promise<Applied[]> => {
    const { statement, values } = operation.query([change]);
    return database.run(statement, values);
  };

  beforeEach(async () => {
    database = new Database(dataSource, { preparedStatements: true, statementTimeout: 10_000 });
    id = idIn([5]);
    conception = conceptionOf(id);
    await run(begin(tables), conception);
  });

  test('a key that a life used before is told from other refusals', async () => {
    const alive = bornFrom(conception.phase);
    await run(swap(tables), birthOf(alive, 'key'));
    const dead = alive.die({ occurredAt: null, now: new Date() });
    if (!(dead instanceof Dead)) throw new Error('A death was refused.');
    const death: Change = {
      ...birthOf(alive, 'key'),
      record: dead.state,
      event: 'Death',
      from: 'Alive',
      occurredAt: dead.occurredAt,
    };
    const refusal: unknown = await run(swap(tables), death).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(RefusedData);
    expect((refusal as RefusedData).violates(tables.idempotencyKey)).toBe(true);
    expect((refusal as RefusedData).violates(tables.positionKey)).toBe(false);
  });

  test.each([
    [
      'a state that disagrees with its columns',
      `UPDATE lives SET state_type = 'Dead' WHERE id = $1 AND partition = 5`,
      '23514',
    ],
    [
      'a wrong partition',
      `INSERT INTO lives (partition, id, version, state_type, created_at, updated_at) VALUES (4, $1, 1, 'Gestating', now(), now())`,
      '23514',
    ],
    [
      'a version without its transition',
      `UPDATE lives SET version = 7 WHERE id = $1 AND partition = 5`,
      '23503',
    ],
  ])('%s', async (_what, statement, code) => {
    await expect(owner.query(statement, [id])).rejects.toMatchObject({ code });
  });
});

test('tables that Citus has not distributed are used as on plain PostgreSQL, and migrations distribute them', async () => {
  const database = await createTestDatabase();
  const session = new Client({ connectionString: database.url });
  await session.connect();
  const birthOn = async (started: TestServer): Promise<unknown> => {
    const id = uuidv7();
    await ask(started, 'mutation ($id: ID!) { conceive(id: $id) { id } }', { id });
    return (await ask(started, 'mutation ($id: ID!) { birth(id: $id) { __typename } }', { id }))
      .data;
  };
  const born = { birth: { __typename: 'Alive' } };
  const environment = { DATABASE_URL: database.url };

  const distributed = await startServer(environment);
  expect(await birthOn(distributed)).toEqual(born);
  await distributed.stop();
  await session.query(`SELECT undistribute_table('ledger', cascade_via_foreign_keys => true)`);
  await expect(startServer(environment)).rejects.toThrow(
    /only some tables .* not ledger\. Run npm run/,
  );
  await session.query(`SELECT undistribute_table('lives', cascade_via_foreign_keys => true)`);
  const local = await startServer(environment);
  expect(await birthOn(local)).toEqual(born);
  await local.stop();

  const migrating = createDataSource({ url: database.url, poolSize: 2, connectTimeout: 10_000 });
  await migrating.initialize();
  expect(await migrate(migrating, PARTITIONS)).toEqual([]);
  await migrating.destroy();
  const again = await startServer(environment);
  expect(await birthOn(again)).toEqual(born);
  expect((await ask(again, '{ census { alive total } }')).data).toEqual({
    census: { alive: 3, total: 3 },
  });
  await again.stop();
  await session.end();
  await database.drop();
});

describe('a migration after the tables were distributed', () => {
  test('runs without its triggers, which Citus does not take', async () => {
    class Later1900000000000 implements MigrationInterface {
      async up(queryRunner: QueryRunner): Promise<void> {
        await queryRunner.query(
          'DROP TRIGGER life_transitions_are_append_only ON life_transitions',
        );
        await queryRunner.query('ALTER TABLE lives ADD COLUMN nickname text');
        await queryRunner.query(
          `ALTER TABLE lives ADD CONSTRAINT nickname_is_short CHECK (nickname IS NULL OR length(nickname) < 9)`,
        );
        await queryRunner.query('CREATE INDEX lives_by_nickname ON lives (nickname)');
        await queryRunner.query(
          `CREATE OR REPLACE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$`,
        );
        await queryRunner.query(
          `CREATE TRIGGER later AFTER INSERT ON lives FOR EACH ROW EXECUTE FUNCTION later()`,
        );
        await queryRunner.query(`ALTER TABLE lives DISABLE TRIGGER later`);
      }

      async down(): Promise<void> {
        return Promise.resolve();
      }
    }
    const { url = '' } = server.database ?? {};
    const later = createDataSource({ url, poolSize: 2, connectTimeout: 10_000 });
    later.setOptions({ migrations: [...MIGRATIONS, Later1900000000000] });
    await later.initialize();
    expect(await migrate(later, PARTITIONS)).toEqual([Later1900000000000.name]);
    await later.destroy();
    const { rows } = await owner.query(
      `SELECT FROM pg_trigger WHERE tgrelid = 'lives'::regclass AND NOT tgisinternal`,
    );
    expect(rows).toEqual([]);
    await expect(
      owner.query(`UPDATE lives SET nickname = 'much too long' WHERE id = $1`, [bystander]),
    ).rejects.toMatchObject({ code: '23514' });
  });
});
