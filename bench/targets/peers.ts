/** Starts the peers and floors, each with tables of its own. Does not know how they work. */
import type { BenchmarkDatabase } from '../database/cluster';
import type { Throughput } from '../load/load';
import { Worker } from '../processes';
import { conceiveOurs, openOurTables } from './ourTables';
import { conceivePlain, createPlainTables } from './plainTables';
import { POOL_SIZE, SQL_CONNECTIONS, type Target, overHttp } from './target';

/** @param program a GraphQL server on plain tables, which prints its URL when it is ready */
export async function startPeer(
  name: string,
  program: string,
  database: BenchmarkDatabase,
  generator: Worker,
): Promise<Target> {
  await createPlainTables(database);
  const worker = await Worker.start(program, {
    DATABASE_URL: database.url,
    POOL_SIZE: String(POOL_SIZE),
  });
  return {
    name,
    pid: worker.pid,
    database,
    conceive: (count) => conceivePlain(database, count),
    run: overHttp(generator, worker.url),
    stop: () => worker.stop(),
  };
}

/** One guarded UPDATE with its history row, one life per transaction, straight through node-postgres. */
export async function startRawSql(database: BenchmarkDatabase): Promise<Target> {
  await createPlainTables(database);
  const worker = await startSql('targets/rawSql.ts', database);
  return {
    name: 'raw SQL',
    pid: null,
    database,
    conceive: (count) => conceivePlain(database, count),
    run: (load, begun) => worker.ask<Throughput>(load, begun),
    stop: () => worker.stop(),
  };
}

/** The product's own statement on the product's own tables, one life per transaction. */
export async function startUngrouped(database: BenchmarkDatabase): Promise<Target> {
  const tables = await openOurTables(database.url, 1);
  const worker = await startSql('targets/ungrouped.ts', database);
  return {
    name: 'ungrouped',
    pid: null,
    database,
    conceive: (count) => conceiveOurs(tables, count),
    run: (load, begun) => worker.ask<Throughput>(load, begun),
    stop: async () => {
      await tables.close();
      await worker.stop();
    },
  };
}

async function startSql(program: string, database: BenchmarkDatabase): Promise<Worker> {
  return Worker.start(program, {
    DATABASE_URL: database.url,
    POOL_SIZE: String(SQL_CONNECTIONS),
  });
}
