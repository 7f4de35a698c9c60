/**
 * The three tables of a machine, read off its TypeORM entities. The statements that use them are in the other files of
 * this folder.
 */
import { createHash } from 'node:crypto';
import type { DataSource, EntityMetadata } from 'typeorm';
import { quoted } from '../database/identifiers';
import type { TableNeeds } from '../database/tables';
import { schemaOf } from '../internals';
import type { MachineRecord } from '../machine';
import type { Column } from './columns';

/** The entities of one machine, whose record is `R`. An entity that lacks a column of `R` does not compile. */
export interface MachineEntities<R extends MachineRecord = MachineRecord> {
  /** The present record of each machine: `id`, `version`, `stateType`, `createdAt`, `updatedAt`, and its own. */
  readonly record: new () => R;
  /** Every version of each machine: first the machine's id, then the record's columns, then the transition's. */
  readonly history: new () => Omit<R, 'id'>;
  /** A row for each partition: the position of its last transition, and how many machines are in each state. */
  readonly ledger: new () => object;
}

interface TableColumn extends Column {
  /** The unquoted name, as PostgreSQL's catalogs have it. */
  readonly databaseName: string;
}

export interface MachineTables {
  /** The bare names. They begin the names of statements, which have 63 characters at most. */
  readonly names: { readonly records: string; readonly history: string; readonly ledger: string };
  /** The schema of all three tables. */
  readonly schema: string;
  /** The quoted names with their schema, for SQL. */
  readonly records: string;
  readonly history: string;
  readonly ledger: string;
  /** The channel for NOTIFY, which is another one in each schema. */
  readonly channel: string;
  /** How many partitions the tables have. */
  readonly partitions: number;
  /** Whether Citus has distributed them by partition over nodes. */
  readonly isDistributed: boolean;
  /** The record's columns, `id` first, without the partition. */
  readonly columns: readonly TableColumn[];
  /** The history's column with the id of the machine. Its property is `id`, too. */
  readonly owner: TableColumn;
  /** The record's columns as the history has them, `owner` in place of `id`. */
  readonly historyColumns: readonly TableColumn[];
  /** Whether the history has a column for the events' data. */
  readonly hasData: boolean;
  /** The name of the unique constraint on idempotency keys. */
  readonly idempotencyKey: string;
  /** The name of the unique constraint on positions. */
  readonly positionKey: string;
}

/**
 * @param dataSource an initialized one, with the three entities
 * @param partitions how many partitions the database has
 * @param isDistributed whether Citus has distributed the tables
 * @throws Error if the history lacks a column of the record, so that it could not rebuild a version
 */
export function tablesOf(
  dataSource: DataSource,
  entities: MachineEntities,
  partitions = 1,
  isDistributed = false,
): MachineTables {
  const record = dataSource.getMetadata(entities.record);
  const history = dataSource.getMetadata(entities.history);
  const [id, ...others] = columnsOf(record);
  const [owner] = columnsOf(history);
  if (id?.property !== 'id' || owner === undefined) {
    throw new Error(
      `${record.name} must begin with "id", ${history.name} with the id of its record.`,
    );
  }
  for (const { property } of others) {
    if (history.findColumnWithPropertyName(property) === undefined) {
      throw new Error(`${history.name} lacks ${record.name}.${property}.`);
    }
  }
  const schema = schemaOf(dataSource);
  const names = {
    records: record.tableName,
    history: history.tableName,
    ledger: dataSource.getMetadata(entities.ledger).tableName,
  };
  const inSchema = (name: string): string => `${quoted(schema)}.${quoted(name)}`;
  return {
    names,
    schema,
    records: inSchema(names.records),
    history: inSchema(names.history),
    ledger: inSchema(names.ledger),
    channel: channelOf(schema, names.history),
    partitions,
    isDistributed,
    columns: [id, ...others],
    owner: { ...owner, property: 'id' },
    historyColumns: [{ ...owner, property: 'id' }, ...others],
    hasData: history.findColumnWithPropertyName('data') !== undefined,
    idempotencyKey: uniqueOn(history, 'idempotencyKey'),
    positionKey: uniqueOn(history, 'position'),
  };
}

/** @returns the columns and rights that the store's statements need */
export function needsOf({ names, columns, historyColumns, hasData }: MachineTables): TableNeeds[] {
  const namesOf = (list: readonly TableColumn[]): string[] =>
    list.map(({ databaseName }) => databaseName);
  return [
    {
      name: names.records,
      columns: ['partition', ...namesOf(columns)],
      rights: ['SELECT', 'INSERT', 'UPDATE'],
    },
    {
      name: names.history,
      columns: ['partition', ...namesOf(historyColumns), ...(hasData ? ['data'] : [])],
      rights: ['SELECT', 'INSERT'],
    },
    {
      name: names.ledger,
      columns: ['partition', 'position', 'counts'],
      rights: ['SELECT', 'UPDATE'],
    },
  ];
}

/**
 * The channel on which the writers of a history notify. Its name has a digest of schema and table, which together may
 * exceed the 63 characters that PostgreSQL allows.
 */
export function channelOf(schema: string, table: string): string {
  const digest = createHash('sha256').update(`${schema}.${table}`).digest('hex');
  return `${table.replace(/\W/g, '_').slice(0, 30)}:${digest.slice(0, 16)}`;
}

/** @throws Error if the record has no such property */
export function columnOf({ names, columns }: MachineTables, property: string): Column {
  const column = columns.find((each) => each.property === property);
  if (column === undefined) throw new Error(`${names.records} lacks ${property}.`);
  return column;
}

/** The name of the entity's unique constraint or index whose last column is this property. */
function uniqueOn({ name, uniques, indices }: EntityMetadata, property: string): string {
  const unique = [...uniques, ...indices.filter(({ isUnique }) => isUnique)].find(
    ({ columns }) => columns.at(-1)?.propertyName === property,
  );
  if (unique === undefined) throw new Error(`${name}.${property} is not unique.`);
  return unique.name;
}

/** The columns without the partition, which follows from the id. */
function columnsOf(metadata: EntityMetadata): TableColumn[] {
  const columns = metadata.columns.filter(({ propertyName }) => propertyName !== 'partition');
  return columns.map((column) => ({
    // A column may have a reserved word as its name.
    name: quoted(column.databaseName),
    databaseName: column.databaseName,
    property: column.propertyName,
    // TypeORM also allows constructors as types; our entities give SQL types.
    type: String(column.type),
  }));
}
