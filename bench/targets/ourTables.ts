/** The product's tables, reached through its own modules, without its server. */
import { uuidv7 } from 'uuidv7';
import { createDataSource } from '../../ormconfig';
import { Database } from 'persistent-machine/database/Database';
import { migrate } from 'persistent-machine/database/migrate';
import { entitiesOf } from 'persistent-machine/integrity';
import { Life } from '../../src/entities';
import { lives } from '../../src/machine';
import { begin } from 'persistent-machine/operations/begin';
import { run } from 'persistent-machine/store/Lanes';
import { type MachineTables, tablesOf } from 'persistent-machine/operations/tables';

/** How many lives one statement begins. Larger statements are no faster. */
const GROUP_SIZE = 2_000;
/** In milliseconds. Generous, because the preparation must not fail. */
const TIMEOUT = 60_000;

export interface OurTables {
  readonly database: Database;
  readonly tables: MachineTables;
  close(): Promise<void>;
}

/** @param poolSize the most connections */
export async function openOurTables(url: string, poolSize: number): Promise<OurTables> {
  const dataSource = createDataSource({
    url,
    poolSize,
    connectTimeout: TIMEOUT,
    statementTimeout: TIMEOUT,
  });
  await dataSource.initialize();
  await migrate(dataSource);
  return {
    database: new Database(dataSource, { preparedStatements: true, statementTimeout: TIMEOUT }),
    tables: tablesOf(dataSource, entitiesOf(Life)),
    close: () => dataSource.destroy(),
  };
}

/** Begins so many lives by the store's own statement. @returns their ids */
export async function conceiveOurs(
  { database, tables }: OurTables,
  count: number,
): Promise<string[]> {
  const beginning = begin(tables);
  const phases = Array.from({ length: count }, () => lives.begin(uuidv7(), {}, new Date()));
  for (let first = 0; first < count; first += GROUP_SIZE) {
    const changes = phases.slice(first, first + GROUP_SIZE).map(({ state, occurredAt }) => ({
      record: state,
      event: 'Conception',
      from: null,
      data: null,
      occurredAt,
      actor: null,
      idempotencyKey: null,
      token: null,
    }));
    await run(beginning, database, changes);
  }
  return phases.map(({ state }) => state.id);
}
