/**
 * Makes the TypeORM classes of a machine's tables from its shape, by applying decorators: columns, keys, CHECKs and
 * indexes. Triggers are made elsewhere.
 */
import {
  Check,
  Column,
  type ColumnOptions,
  Entity,
  ForeignKey,
  Index,
  PrimaryColumn,
  Unique,
} from 'typeorm';
import { historyChecks, ledgerChecks, recordChecks } from './checks';
import { SQL_TYPES } from './rules';
import type { Shape } from './shape';

const MILLISECONDS = { type: 'timestamptz', precision: 3 } as const;

/**
 * The column that leads every key. By its default, a change by hand need not name the partition if there is only one;
 * with more, a CHECK refuses the wrong one.
 */
const PARTITION = { name: 'partition', type: 'integer', default: 0 } as const;

/** The columns of both records and transitions, between the version and the declared columns. */
const RECORDED: Readonly<Record<string, ColumnOptions>> = {
  stateType: { name: 'state_type', type: 'text' },
  createdAt: { name: 'created_at', ...MILLISECONDS },
  updatedAt: { name: 'updated_at', ...MILLISECONDS },
};

/** The classes of one machine's tables. */
export interface TableClasses {
  /** A base to extend; it is not an entity itself. */
  readonly record: new () => object;
  readonly history: new () => object;
  readonly ledger: new () => object;
}

export function tableClasses(shape: Shape): TableClasses {
  const history = historyOf(shape);
  return { record: recordOf(shape, history), history, ledger: ledgerOf(shape) };
}

function recordOf(shape: Shape, history: new () => object): new () => object {
  const { records, owner } = shape;
  const record = classNamed(`${shape.machine}Record`);
  const primaryKeyConstraintName = `${records}_pkey`;
  primary(record, 'partition', { ...PARTITION, primaryKeyConstraintName });
  primary(record, 'id', { name: 'id', type: 'uuid', primaryKeyConstraintName });
  columns(record, {
    version: { name: 'version', type: 'integer' },
    ...RECORDED,
    ...declaredColumns(shape),
  });
  for (const { name, expression } of recordChecks(shape)) Check(name, expression)(record);
  Index(`${records}_by_state_and_age`, ['stateType', 'createdAt', 'id'])(record);
  Index(`${records}_by_age`, ['createdAt', 'id'])(record);
  // Deferred, because a transaction changes the record before it records the transition. A trigger checks that both
  // are equal.
  ForeignKey(
    () => history,
    ['partition', 'id', 'version'],
    ['partition', owner.property, 'version'],
    { name: `${records}_are_recorded`, deferrable: 'INITIALLY DEFERRED' },
  )(record);
  return record;
}

function historyOf(shape: Shape): new () => object {
  const { history, owner, hasData } = shape;
  const transition = classNamed(`${shape.machine}Transition`);
  Entity(history)(transition);
  const primaryKeyConstraintName = `${history}_pkey`;
  primary(transition, 'partition', { ...PARTITION, primaryKeyConstraintName });
  primary(transition, owner.property, { name: owner.name, type: 'uuid', primaryKeyConstraintName });
  primary(transition, 'version', { name: 'version', type: 'integer', primaryKeyConstraintName });
  columns(transition, {
    // By this the trigger finds the previous transition; null for version 1.
    previousVersion: {
      name: 'previous_version',
      type: 'integer',
      nullable: true,
      generatedType: 'STORED',
      asExpression: 'nullif(version - 1, 0)',
    },
    event: { name: 'event', type: 'text' },
    fromStateType: { name: 'from_state_type', type: 'text', nullable: true },
    ...RECORDED,
    ...declaredColumns(shape),
    occurredAt: { name: 'occurred_at', ...MILLISECONDS },
    recordedAt: { name: 'recorded_at', ...MILLISECONDS },
    position: { name: 'position', type: 'bigint' },
    actor: { name: 'actor', type: 'text', nullable: true },
    idempotencyKey: { name: 'idempotency_key', type: 'text', nullable: true },
    token: { name: 'token', type: 'uuid', nullable: true },
    ...(hasData ? { data: { name: 'data', type: 'jsonb', nullable: true } } : {}),
  });
  for (const { name, expression } of historyChecks(shape)) Check(name, expression)(transition);
  Unique(`${history}_position_key`, ['partition', 'position'])(transition);
  Index(`${history}_by_event`, ['partition', 'event', 'position'])(transition);
  Index(`${history}_idempotency_key`, ['partition', owner.property, 'idempotencyKey'], {
    unique: true,
    where: 'idempotency_key IS NOT NULL',
  })(transition);
  return transition;
}

function ledgerOf(shape: Shape): new () => object {
  const ledger = classNamed(`${shape.machine}Ledger`);
  Entity(shape.ledger)(ledger);
  primary(ledger, 'partition', {
    ...PARTITION,
    primaryKeyConstraintName: `${shape.ledger}_pkey`,
  });
  columns(ledger, {
    position: { name: 'position', type: 'bigint' },
    counts: { name: 'counts', type: 'jsonb' },
  });
  for (const { name, expression } of ledgerChecks(shape)) Check(name, expression)(ledger);
  return ledger;
}

function declaredColumns(shape: Shape): Record<string, ColumnOptions> {
  return Object.fromEntries(
    shape.columns.map(({ property, name, rules: { kind } }) => [
      property,
      kind === 'moment'
        ? { name, nullable: true, ...MILLISECONDS }
        : { name, nullable: true, type: SQL_TYPES[kind] },
    ]),
  );
}

/** TypeORM identifies entities by the names of their classes, also in messages. */
function classNamed(name: string): new () => object {
  // A class expression takes its name from its property. TypeScript does not know the property's type.
  // eslint-disable-next-line @typescript-eslint/no-extraneous-class -- TypeORM fills it.
  return { [name]: class {} }[name] as new () => object;
}

/** @param options by property, in the table's order */
function columns(target: new () => object, options: Readonly<Record<string, ColumnOptions>>): void {
  for (const [property, each] of Object.entries(options))
    Column(each)(prototypeOf(target), property);
}

function primary(
  target: new () => object,
  property: string,
  options: Parameters<typeof PrimaryColumn>[1],
): void {
  PrimaryColumn({ ...options })(prototypeOf(target), property);
}

/** TypeScript types the prototype of a class as any. */
function prototypeOf(target: new () => object): object {
  return target.prototype as object;
}
