/**
 * The three tables of a persistent machine, read off its TypeORM entities. Which columns a
 * machine's record has is the entity's business, and SQL is written elsewhere.
 */
import { createHash } from 'node:crypto';
import type { DataSource, EntityMetadata } from 'typeorm';
import { quoted } from '../database/identifiers';
import type { TableNeeds } from '../database/tables';
import { schemaOf } from '../internals';
import type { MachineRecord } from '../machine';
import type { Column } from './columns';

/** The entities of one machine, whose record is `R`: an entity that lacks a column of it does not compile. */
export interface MachineEntities<R extends MachineRecord = MachineRecord> {
  /** Where each machine is now: `id`, `version`, `stateType`, `createdAt`, `updatedAt`, and its own. */
  readonly record: new () => R;
  /** Every version of each: first the id of its machine, then the columns of the record, then of the transition. */
  readonly history: new () => Omit<R, 'id'>;
  /** One row: the position of the last transition, and how many machines are in each state. */
  readonly ledger: new () => object;
}

interface TableColumn extends Column {
  /** As PostgreSQL's catalogs have its name, which `name` quotes. */
  readonly databaseName: string;
}

export interface MachineTables {
  /** The tables' names alone: the names of statements begin with them, and have 63 characters at most. */
  readonly names: { readonly records: string; readonly history: string; readonly ledger: string };
  /** In which all three are. */
  readonly schema: string;
  /** The tables as SQL names them wherever it stands: with their schema, quoted. */
  readonly records: string;
  readonly history: string;
  readonly ledger: string;
  /** What is notified when there is something new: another one in each schema. */
  readonly channel: string;
  /** The record's, `id` first. */
  readonly columns: readonly TableColumn[];
  /** The history's column with the id of its record; our code calls it `id`, too. */
  readonly owner: TableColumn;
  /** The record's columns as the history has them, `owner` in place of `id`. */
  readonly historyColumns: readonly TableColumn[];
  /** Whether the history has a column for what the events carry. */
  readonly hasData: boolean;
  /** The constraint by which an idempotency key is used once. */
  readonly idempotencyKey: string;
  /** The constraint by which a position is given once. */
  readonly positionKey: string;
}

/**
 * @param dataSource initialized, and knowing the three entities
 * @throws Error where the history lacks a column of the record: no version could be rebuilt from it
 */
export function tablesOf(dataSource: DataSource, entities: MachineEntities): MachineTables {
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
    columns: [id, ...others],
    owner: { ...owner, property: 'id' },
    historyColumns: [{ ...owner, property: 'id' }, ...others],
    hasData: history.findColumnWithPropertyName('data') !== undefined,
    idempotencyKey: uniqueOn(history, 'idempotencyKey'),
    positionKey: uniqueOn(history, 'position'),
  };
}

/** @returns what the store's statements need of the tables */
export function needsOf({ names, columns, historyColumns, hasData }: MachineTables): TableNeeds[] {
  const namesOf = (list: readonly TableColumn[]): string[] =>
    list.map(({ databaseName }) => databaseName);
  return [
    { name: names.records, columns: namesOf(columns), rights: ['SELECT', 'INSERT', 'UPDATE'] },
    {
      name: names.history,
      columns: [...namesOf(historyColumns), ...(hasData ? ['data'] : [])],
      rights: ['SELECT', 'INSERT'],
    },
    { name: names.ledger, columns: ['position', 'counts'], rights: ['SELECT', 'UPDATE'] },
  ];
}

/**
 * The channel that tells of a history's table. PostgreSQL takes no name of a channel that is longer than a table's: a
 * schema's may be as long by itself.
 */
export function channelOf(schema: string, table: string): string {
  const digest = createHash('sha256').update(`${schema}.${table}`).digest('hex');
  return `${table.replace(/\W/g, '_').slice(0, 30)}:${digest.slice(0, 16)}`;
}

/** @throws Error where the record has no such property */
export function columnOf({ names, columns }: MachineTables, property: string): Column {
  const column = columns.find((each) => each.property === property);
  if (column === undefined) throw new Error(`${names.records} lacks ${property}.`);
  return column;
}

/** The name of the entity's unique constraint, or unique index, that ends with a property. */
function uniqueOn({ name, uniques, indices }: EntityMetadata, property: string): string {
  const unique = [...uniques, ...indices.filter(({ isUnique }) => isUnique)].find(
    ({ columns }) => columns.at(-1)?.propertyName === property,
  );
  if (unique === undefined) throw new Error(`${name}.${property} is not unique.`);
  return unique.name;
}

function columnsOf(metadata: EntityMetadata): TableColumn[] {
  return metadata.columns.map((column) => ({
    // A name may be a word of SQL's.
    name: quoted(column.databaseName),
    databaseName: column.databaseName,
    property: column.propertyName,
    // TypeORM allows constructors as types; our entities name SQL types.
    type: String(column.type),
  }));
}
