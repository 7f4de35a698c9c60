/** What surrounds the servers of a test run: nothing, or what TEST_TOPOLOGY names. No test knows the difference. */
import type { Application } from 'persistent-machine/application';
import {
  type RunningPostgres,
  startPostgres as startPlain,
} from '../../packages/persistent-machine/test/harness/postgres';
import { startCitus } from './citus';
import { Cluster } from './cluster';
import { startNginx } from './nginx';
import { startPgBouncer } from './pgbouncer';

export const TOPOLOGIES = ['pgbouncer', 'replica', 'nginx', 'partitions', 'citus'] as const;

/** undefined: only a server and its database. */
const topology = topologyOf(process.env['TEST_TOPOLOGY']);

function topologyOf(given: string | undefined): (typeof TOPOLOGIES)[number] | undefined {
  const known = TOPOLOGIES.find((name) => name === given);
  if (given !== undefined && known === undefined) throw new Error(`TEST_TOPOLOGY=${given}?`);
  return known;
}

/** Whether the databases are those of a cluster. */
export const isCitus = topology === 'citus';

/** How many partitions the databases of the run have. */
export const PARTITIONS = topology === 'partitions' || topology === 'nginx' || isCitus ? 8 : 1;

/** A URL that reaches all databases of the run another way. The global set-up hands it to the workers. */
const VARIABLE = 'TEST_TOPOLOGY_URL';

export async function startPostgres(): Promise<RunningPostgres> {
  switch (topology) {
    case 'replica':
      return startReplicated();
    case 'pgbouncer': {
      const { postgres, stop } = await startPlain();
      const pgBouncer = await startPgBouncer(postgres.ownerUrl);
      process.env[VARIABLE] = pgBouncer.url;
      return {
        postgres: { ...postgres, isPooled: true },
        stop: async () => {
          await pgBouncer.stop();
          await stop();
        },
      };
    }
    case 'citus':
      return startCitus(process.env['CITUS_URL'] ?? '', `citus_${process.pid}`);
    case 'nginx':
    case 'partitions':
    case undefined:
      return startPlain();
  }
}

/** The replica shows everything that the primary has acknowledged, so tests find what they wrote. */
async function startReplicated(): Promise<RunningPostgres> {
  const primary = await Cluster.create();
  const replica = await primary.replicate();
  await primary.waitForReplica();
  process.env[VARIABLE] = replica.ownerUrl;
  return {
    postgres: { administratorUrl: primary.superuserUrl, ownerUrl: primary.ownerUrl },
    stop: async () => {
      // In this order, because the primary acknowledges nothing without its replica.
      await primary.stop();
      await replica.stop();
    },
  };
}

/**
 * @param environment with a DATABASE_URL
 * @param start starts an application
 * @returns one application, or several that look like one
 */
export async function startInTopology(
  environment: Readonly<Record<string, string>>,
  start: (environment: Readonly<Record<string, string>>) => Promise<Application>,
): Promise<Application> {
  switch (topology) {
    case 'replica':
      return start({ DATABASE_REPLICA_URL: anotherWay(environment), ...environment });
    case 'pgbouncer':
      return start({
        ...environment,
        DATABASE_URL: anotherWay(environment),
        PREPARED_STATEMENTS: 'off',
        LISTEN: 'off',
      });
    case 'nginx': {
      const instances = [await start(environment), await start(environment)] as const;
      const nginx = await startNginx([instances[0].url, instances[1].url]);
      return {
        url: nginx.url,
        stop: async () => {
          await Promise.all(instances.map((instance) => instance.stop()));
          await nginx.stop();
        },
      };
    }
    case 'partitions':
    case 'citus':
    case undefined:
      return start(environment);
  }
}

/** The same database, through PgBouncer or on the replica. */
function anotherWay({ DATABASE_URL = '' }: Readonly<Record<string, string>>): string {
  const url = new URL(process.env[VARIABLE] ?? '');
  url.pathname = new URL(DATABASE_URL).pathname;
  return url.href;
}
