/** The product's tables, reached by the product's own modules without its server. */
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

/** As many lives as one statement begins; larger ones are no faster. */
const GROUP_SIZE = 2_000;
/** Generous, in milliseconds: what is only prepared must not fail for it. */
const TIMEOUT = 60_000;

export interface OurTables {
  readonly database: Database;
  readonly tables: MachineTables;
  close(): Promise<void>;
}

/** @param poolSize how many connections, at most */
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

/** @returns the ids of so many new lives, begun by the store's own statement */
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
