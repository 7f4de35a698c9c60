/** Databases with the tables of these tests' machines. */
import { type EntityTarget, DataSource, Entity, type ObjectLiteral } from 'typeorm';
import { createTestDatabase } from '../harness/postgres';
import { migrate } from '../../src/database/migrate';
import { differencesOf, entitiesOf, entityOf } from '../../src/integrity';
import { inDatabase } from '../../src/integrity/described';
import type { AnyMachine } from '../../src/machine';
import type { MigratedDatabase } from './describeIntegrity';
import { door, order } from './machines';

@Entity()
export class Order extends entityOf(order) {}

@Entity()
export class Door extends entityOf(door) {}

/** Connects to a database, and brings nothing into it but what TypeORM keeps there for itself. */
export async function connect(
  url: string,
  entities: readonly EntityTarget<ObjectLiteral>[],
): Promise<DataSource> {
  const dataSource = new DataSource({
    type: 'postgres',
    url,
    // TypeORM's own type for them is not exported.
    entities: entities as DataSource['options']['entities'] & unknown[],
    installExtensions: false,
  });
  await dataSource.initialize();
  await migrate(dataSource);
  return dataSource;
}

/** Runs statements, in which marks stand for the schema and the number of partitions. */
export async function run(
  dataSource: DataSource,
  statements: readonly string[],
  partitions = 1,
): Promise<void> {
  for (const statement of statements) {
    await dataSource.query(inDatabase(statement, { schema: 'public', partitions }));
  }
}

export async function openWith(
  entities: readonly EntityTarget<ObjectLiteral>[],
  partitions = 1,
): Promise<MigratedDatabase> {
  const database = await createTestDatabase();
  const dataSource = await connect(database.url, entities);
  await run(dataSource, (await differencesOf(dataSource)).up, partitions);
  await dataSource.destroy();
  return { ...database, partitions };
}

export const openWithOrders = async (): Promise<MigratedDatabase> =>
  openWith(Object.values(entitiesOf(Order)));

/** @returns how to open a database with the tables of a machine, for `describeMachine` */
export function openWithTablesOf(
  machine: AnyMachine,
  partitions = 1,
): () => Promise<MigratedDatabase> {
  class Kept extends entityOf(machine) {}
  Entity()(Kept);
  return async () => openWith(Object.values(entitiesOf(Kept)), partitions);
}
