/**
 * A machine's tables as entities for a DataSource: a base for the class of its records, on which a machine writes by
 * hand what else it wants there, and the history and the ledger whole.
 */
import { type DataSource, getMetadataArgsStorage } from 'typeorm';
import type { AnyMachine, Columns, MachineRecord, ValueOf } from '../machine';
import { type Shape, shapeOf } from './shape';
import { type TableClasses, tableClasses } from './tables';

/** A machine's record as its table has it: with every declared column, each of which some state may lack. */
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

const ofMachines = new WeakMap<AnyMachine, Declared>();
const ofBases = new WeakMap<object, Declared>();

/**
 * A base for the class of a machine's records: `@Entity() export class Order extends entityOf(order) {}`.
 *
 * @throws Error where the declaration's names make no tables
 */
export function entityOf<M extends AnyMachine>(
  machine: M,
): new () => EntityRecord<M['declaration']['columns']> {
  const declared = ofMachines.get(machine) ?? declare(machine);
  ofMachines.set(machine, declared);
  ofBases.set(declared.record, declared);
  // Its columns were made of the declaration's, each nullable.
  return declared.record as new () => EntityRecord<M['declaration']['columns']>;
}

/**
 * All entities of a machine, for the DataSource, and names the table of its records.
 *
 * @param record a class with `@Entity()` that extends `entityOf` of its machine
 * @throws Error where the class is no such class, or names another table
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
      `The table of ${record.name} must be ${shape.records}, the plural of its machine, and not ${String(table.name)}.`,
    );
  }
  // TypeORM would name it after the class.
  Object.assign(table, { name: shape.records });
  // The history has the record's columns, as its base was made with.
  return { record, history: history as EntitiesOf<R>['history'], ledger };
}

/** @returns the shapes of the machines of which a DataSource has the entities */
export function shapesOf(dataSource: DataSource): Shape[] {
  return dataSource.entityMetadatas.flatMap(({ target }) => declaredFor(target)?.shape ?? []);
}

/** What was declared with the base of a class. */
function declaredFor(target: unknown): Declared | undefined {
  for (let each = target; typeof each === 'function'; each = Object.getPrototypeOf(each)) {
    const declared = ofBases.get(each);
    if (declared !== undefined) return declared;
  }
  return undefined;
}

function declare(machine: AnyMachine): Declared {
  const shape = shapeOf(machine);
  return { shape, ...tableClasses(shape) };
}
