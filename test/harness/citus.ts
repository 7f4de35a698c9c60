/**
 * Databases on a Citus cluster that runs already: a coordinator and its workers. Each database is made on all nodes, as
 * a copy of a template, since Citus does not do that by itself. Does not know what is in them.
 */
import { exec } from 'node:child_process';
import { promisify } from 'node:util';
import { Client } from 'pg';
import {
  type RunningPostgres,
  administrate,
  administrateAll,
  createDatabase,
  dropDatabase,
  sealTemplate,
  usePostgres,
} from '../../packages/persistent-machine/test/harness/postgres';

/** Owns the tests' databases, and is no superuser. It stays on the cluster. */
const OWNER = 'persistent_state_machine_owner';

interface Node {
  readonly host: string;
  readonly port: number;
  readonly isCoordinator: boolean;
}

/**
 * @param url of the coordinator, for a superuser, with a database in which the workers are registered
 * @param name of a template, unique to the run
 */
export async function startCitus(url: string, name: string): Promise<RunningPostgres> {
  const nodes = await ask<Node>(
    url,
    `SELECT nodename AS host, nodeport AS port, groupid = 0 AS "isCoordinator" FROM pg_dist_node WHERE noderole = 'primary'`,
  );
  const workers = nodes.filter(({ isCoordinator }) => !isCoordinator);
  if (workers.length === 0) throw new Error('The database of CITUS_URL knows no workers.');
  const urls = workers.map(({ host, port }) =>
    Object.assign(new URL(url), { hostname: host, port: String(port) }),
  );
  const ownerUrl = Object.assign(new URL(url), { username: OWNER });
  const postgres = {
    administratorUrl: url,
    ownerUrl: ownerUrl.href,
    workers: urls.map(({ href }) => href),
    isPooled: true,
  };
  usePostgres(postgres);
  // Citus makes it on the workers, too.
  await administrate(`DO $$ BEGIN
    CREATE ROLE ${OWNER} LOGIN;
  EXCEPTION WHEN duplicate_object THEN NULL;
  END $$`);
  // How long a change stays undecided, and hides behind its locks, after a node was lost at the very commit.
  await administrateAll(`ALTER SYSTEM SET citus.recover_2pc_interval = '1s'`);
  await administrateAll('SELECT pg_reload_conf()');
  await dropDatabase(name);
  await createDatabase(name);
  const coordinator = nodes.find(({ isCoordinator }) => isCoordinator);
  for (const each of [url, ...postgres.workers]) {
    await ask(inDatabase(each, name), 'CREATE EXTENSION citus');
  }
  const { hostname, port } = new URL(url);
  const { host = hostname, port: coordinatorPort = Number(port) } = coordinator ?? {};
  const template = inDatabase(url, name);
  await ask(template, 'SELECT citus_set_coordinator_host($1, $2)', [host, coordinatorPort]);
  for (const worker of workers) {
    await ask(template, 'SELECT citus_add_node($1, $2)', [worker.host, worker.port]);
  }
  await sealTemplate(name);
  return {
    postgres: { ...postgres, empty: name },
    stop: async () => dropDatabase(name),
  };
}

function inDatabase(url: string, name: string): string {
  return Object.assign(new URL(url), { pathname: `/${name}` }).href;
}

async function ask<Row extends object>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Row>(text, [...values]);
    return rows;
  } finally {
    await client.end();
  }
}

/** Kills a worker, by the command in CITUS_STOP_WORKER. */
export async function stopWorker(worker: 1 | 2): Promise<void> {
  await run('CITUS_STOP_WORKER', worker);
}

/** Starts a worker again, by the command in CITUS_START_WORKER, which ends once it takes connections. */
export async function startWorker(worker: 1 | 2): Promise<void> {
  await run('CITUS_START_WORKER', worker);
}

/** @param worker its number in the order of ports, which takes the place of `{}` in the command */
async function run(variable: string, worker: number): Promise<void> {
  const command = process.env[variable];
  if (command === undefined) {
    throw new Error(
      `${variable} must be a command for worker {}, which is 1 or 2 in the order of ports.`,
    );
  }
  await promisify(exec)(command.replaceAll('{}', String(worker)));
}
