/**
 * A machine's tables as entities for a DataSource: a base for the class of its records, to which the application adds
 * what it wants, and complete classes for history and ledger.
 */
import { type DataSource, getMetadataArgsStorage } from 'typeorm';
import type { AnyMachine, Columns, MachineRecord, ValueOf } from '../machine';
import { type Shape, shapeOf } from './shape';
import { type TableClasses, tableClasses } from './tables';

/** A machine's record as its table has it: all declared columns are nullable. */
export type EntityRecord<C extends Columns> = MachineRecord & {
  readonly [Property in keyof C]: ValueOf<C[Property]> | null;
};

/** The entities of one machine, whose record is `R`. */
export interface EntitiesOf<R extends MachineRecord> {
  readonly record: new () => R;
  readonly history: new () => Omit<R, 'id'>;
  readonly ledger: new () => object;
}

interface Declared extends TableClasses {
  readonly shape: Shape;
}

const declaredByMachine = new WeakMap<AnyMachine, Declared>();
const declaredByBase = new WeakMap<object, Declared>();

/**
 * A base for the class of a machine's records: `@Entity() export class Order extends entityOf(order) {}`.
 *
 * @throws Error if a name is too long for PostgreSQL
 */
export function entityOf<M extends AnyMachine>(
  machine: M,
): new () => EntityRecord<M['declaration']['columns']> {
  const declared = declaredByMachine.get(machine) ?? declare(machine);
  declaredByMachine.set(machine, declared);
  declaredByBase.set(declared.record, declared);
  // The class was made with a nullable column for each declared one.
  return declared.record as new () => EntityRecord<M['declaration']['columns']>;
}

/**
 * Gives all entities of a machine, and names the table of its records.
 *
 * @param record a class with `@Entity()` that extends `entityOf` of its machine
 * @throws Error if the class is another one, or names another table
 */
export function entitiesOf<R extends MachineRecord>(record: new () => R): EntitiesOf<R> {
  const declared = declaredFor(record);
  const table = getMetadataArgsStorage().tables.find(({ target }) => target === record);
  if (declared === undefined || table === undefined) {
    throw new Error(`${record.name} must be an @Entity() that extends entityOf(…) of its machine.`);
  }
  const { history, ledger, shape } = declared;
  if ((table.name ?? shape.records) !== shape.records) {
    throw new Error(
      `The table of ${record.name} must be ${shape.records}, the plural of its machine, not ${String(table.name)}.`,
    );
  }
  // TypeORM would name the table after the class.
  Object.assign(table, { name: shape.records });
  // The class of the history was made with the columns of the record.
  return { record, history: history as EntitiesOf<R>['history'], ledger };
}

/** @returns the shapes of the machines whose entities a DataSource has */
export function shapesOf(dataSource: DataSource): Shape[] {
  return dataSource.entityMetadatas.flatMap(({ target }) => declaredFor(target)?.shape ?? []);
}

/** @returns the names of the tables of their ledgers */
export function ledgersOf(dataSource: DataSource): string[] {
  return shapesOf(dataSource).map(({ ledger }) => ledger);
}

/** Finds the machine of a class by its base. */
function declaredFor(target: unknown): Declared | undefined {
  for (let each = target; typeof each === 'function'; each = Object.getPrototypeOf(each)) {
    const declared = declaredByBase.get(each);
    if (declared !== undefined) return declared;
  }
  return undefined;
}

function declare(machine: AnyMachine): Declared {
  const shape = shapeOf(machine);
  return { shape, ...tableClasses(shape) };
}
