/**
 * A program: births by the product's own machine and statement, with all of its guarantees, but one life per
 * transaction. Without GraphQL, HTTP and the loading of the life, so that it shows the cost of not grouping.
 */
import { randomUUID } from 'node:crypto';
import { closedLoop } from '../load/closedLoop';
import type { Load, Throughput } from '../load/load';
import { Alive, Gestating, lives } from '../../src/machine';
import { ask, run } from 'persistent-machine/store/Lanes';
import { find } from 'persistent-machine/operations/find';
import { partitionOf } from 'persistent-machine/operations/partition';
import { swap } from 'persistent-machine/operations/swap';
import { serve } from '../processes';
import { databaseUrl, poolSize } from './environment';
import { openOurTables } from './ourTables';

async function main(): Promise<void> {
  const { database, tables } = await openOurTables(databaseUrl, poolSize);
  const finding = find(tables);
  const swapping = swap(tables);

  async function giveBirth(gestating: Gestating): Promise<boolean> {
    const alive = gestating.birth({ occurredAt: null, now: new Date() });
    if (!(alive instanceof Alive)) return false;
    const change = {
      partition: partitionOf(alive.state.id, tables.partitions),
      record: alive.state,
      event: 'Birth',
      from: gestating.stateType,
      data: null,
      occurredAt: alive.occurredAt,
      actor: null,
      idempotencyKey: null,
      token: randomUUID(),
    };
    return ask(swapping, database, change);
  }

  serve(async (load: Load, begun): Promise<Throughput> => {
    const ids = load.variables.flatMap(({ id }) => id ?? []);
    const records = await run(finding, database, ids);
    const gestating = records
      .flatMap((record) => record ?? [])
      .map((record) => lives.phaseOf(record))
      .filter((phase) => phase instanceof Gestating);
    return closedLoop(load, gestating, begun, giveBirth);
  });
}

void main();
