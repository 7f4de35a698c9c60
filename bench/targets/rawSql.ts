/** A program: births by raw SQL, without GraphQL, HTTP or a pool, and with a guard as the only safety. */
import { Client } from 'pg';
import { closedLoop } from '../load/closedLoop';
import type { Load, Throughput } from '../load/load';
import { serve } from '../processes';
import { databaseUrl, poolSize } from './environment';
import { giveBirth } from './plainTables';

async function main(): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: poolSize }, async () => {
      const client = new Client({ connectionString: databaseUrl });
      await client.connect();
      return client;
    }),
  );

  serve(async (load: Load, begun): Promise<Throughput> =>
    closedLoop(load, load.variables, begun, async ({ id }, connection) => {
      const values = [id, new Date()];
      const born = await clients[connection]?.query({ ...giveBirth, values });
      return born?.rowCount === 1;
    }),
  );
}

void main();
