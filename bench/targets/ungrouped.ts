/**
 * A program: births by the product's own machine and statement, with all of its guarantees, but one life a
 * transaction. Without GraphQL, HTTP and the loading of the life, so that what is left out is just the group.
 */
import { randomUUID } from 'node:crypto';
import { closedLoop } from '../load/closedLoop';
import type { Load, Throughput } from '../load/load';
import { type LifeRecord, Alive, Gestating, phaseOf } from '../../src/machine';
import { findStatement, parameters, swapStatement } from 'persistent-machine/store/statements';
import { serve } from '../processes';
import { databaseUrl, poolSize } from './environment';
import { openOurTables } from './ourTables';

async function main(): Promise<void> {
  const { database, tables } = await openOurTables(databaseUrl, poolSize);
  const find = findStatement(tables);
  const swap = swapStatement(tables);

  async function giveBirth(gestating: Gestating): Promise<boolean> {
    const alive = gestating.birth({ occurredAt: null, now: new Date() });
    if (!(alive instanceof Alive)) return false;
    const change = {
      record: alive.state,
      event: 'Birth',
      from: gestating.stateType,
      occurredAt: alive.occurredAt,
      actor: null,
      idempotencyKey: null,
      token: randomUUID(),
    };
    const swapped = await database.run(swap, parameters(tables, [change]));
    return swapped.length === 1;
  }

  serve(async (load: Load, begun): Promise<Throughput> => {
    const ids = load.variables.map(({ id }) => id);
    const records = await database.run<LifeRecord>(find, [ids]);
    const gestating = records.map(phaseOf).filter((phase) => phase instanceof Gestating);
    return closedLoop(load, gestating, begun, giveBirth);
  });
}

void main();
