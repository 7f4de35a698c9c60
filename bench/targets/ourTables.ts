/** The product's tables, reached through its own modules, without its server. */
import { uuidv7 } from 'uuidv7';
import { createDataSource } from '../../ormconfig';
import { Database } from 'persistent-machine/database/Database';
import { migrate } from 'persistent-machine/database/migrate';
import { countPartitions } from 'persistent-machine/database/partitions';
import { entitiesOf } from 'persistent-machine/integrity';
import { Life } from '../../src/entities';
import { lives } from '../../src/machine';
import { begin } from 'persistent-machine/operations/begin';
import { run } from 'persistent-machine/store/Lanes';
import { partitionOf } from 'persistent-machine/operations/partition';
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

/**
 * @param poolSize the most connections
 * @param forNew how many partitions a new database gets
 */
export async function openOurTables(url: string, poolSize: number, forNew = 1): Promise<OurTables> {
  const dataSource = createDataSource({
    url,
    poolSize,
    connectTimeout: TIMEOUT,
    statementTimeout: TIMEOUT,
  });
  await dataSource.initialize();
  await migrate(dataSource, forNew);
  const { names, schema } = tablesOf(dataSource, entitiesOf(Life), forNew);
  const ask = async <Row extends object>(text: string, values: readonly unknown[] = []) =>
    dataSource.query<Row[]>(text, [...values]);
  const partitions = await countPartitions(ask, schema, [names.ledger]);
  return {
    database: new Database(dataSource, { preparedStatements: true, statementTimeout: TIMEOUT }),
    tables: tablesOf(dataSource, entitiesOf(Life), partitions ?? forNew),
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
  const changes = phases
    .map(({ state, occurredAt }) => ({
      partition: partitionOf(state.id, tables.partitions),
      record: state,
      event: 'Conception',
      from: null,
      data: null,
      occurredAt,
      actor: null,
      idempotencyKey: null,
      token: null,
    }))
    .sort((one, other) => one.partition - other.partition);
  while (changes.length > 0) {
    // A statement changes lives of one partition.
    const partition = changes[0]?.partition;
    const end = changes.findIndex((change) => change.partition !== partition);
    await run(
      beginning,
      database,
      changes.splice(0, Math.min(end < 0 ? GROUP_SIZE : end, GROUP_SIZE)),
    );
  }
  return phases.map(({ state }) => state.id);
}
