/**
 * The compile-time rules for a declaration: in place of a wrong word the compiler expects the right words, or a
 * sentence that says why it is wrong. Rules that types cannot express are in `checks/`.
 */
import type { Column, ValuesOf } from './columns';
import type { Declaration, EventDeclaration, Outline, StateDeclaration } from './declaration';
import type {
  At,
  ColumnOf,
  DataColumns,
  EventOf,
  Has,
  InitialEventOf,
  InitialStateOf,
  May,
  MomentColumnOf,
  OrElse,
  Said,
  Sets,
  StateOf,
} from './reading';
import type { MachineRecord } from './record';
import type { RefusalClass } from './refusals';

/** The declaration as it should be. D extends this type if nothing is wrong. */
export type Checked<D extends Outline> = DeclarationRule<D> &
  Only<
    D,
    keyof Declaration,
    'a machine has plural, bare, says, columns, initial, events and states'
  >;

interface DeclarationRule<D extends Outline> {
  readonly plural?: string;
  readonly bare?: boolean;
  readonly says: string;
  readonly columns: { readonly [C in keyof D['columns']]: ColumnRule<C> };
  readonly initial: { readonly event: EventOf<D>; readonly to: BeginningRule<D> } & Only<
    D['initial'],
    keyof Declaration['initial'],
    'initial has event and to; the rest belongs to the event'
  >;
  readonly events: {
    readonly [E in keyof D['events']]: EventRule<D, E> &
      Only<
        D['events'][E],
        keyof EventDeclaration,
        'an event has verb, at, says, data, sets and refusals'
      >;
  };
  readonly states: {
    readonly [S in keyof D['states']]: StateRule<D, S> &
      Only<D['states'][S], keyof StateDeclaration, 'a state has says, has, may and accepts'>;
  };
}

/** Refuses properties that nothing reads, such as a misspelt `acepts`. */
type Only<T, Known, Why> = Readonly<Partial<Record<Exclude<keyof T, Known>, Why>>>;

type ColumnRule<C> = C extends keyof MachineRecord
  ? `the record of every machine has ${C} already`
  : Column;

/** The columns of the initial state that are not in the data of the initial event. */
type Unsaid<D extends Outline> = Exclude<Has<D, InitialStateOf<D>>, Said<D, InitialEventOf<D>>>;

type BeginningRule<D extends Outline> = [Unsaid<D>] extends [never]
  ? StateOf<D>
  : `${InitialStateOf<D>} has ${Unsaid<D> & string}, which must be in the data of ${InitialEventOf<D>}`;

/** The columns that take the moment of an event: only that event sets them. */
type Taken<D extends Outline> = At<D, EventOf<D>>;

type EventRule<D extends Outline, E> = {
  readonly verb: string;
  readonly says: string;
  readonly data?: { readonly [K in keyof DataColumns<D, E>]: DataRule<D, E, K> };
} & (E extends InitialEventOf<D>
  ? {
      readonly at: 'createdAt';
      readonly sets?: `${E} begins the machine: no class computes a column, so its data must say it`;
      readonly refusals?: `${E} begins the machine: no class refuses it`;
    }
  : {
      readonly at: AtRule<D, E>;
      readonly sets?: readonly OrElse<
        Exclude<ColumnOf<D>, Taken<D> | Said<D, E>>,
        'there is no column that a class could compute'
      >[];
      readonly refusals?: D['events'][E & keyof D['events']] extends {
        readonly refusals: infer R;
      }
        ? { readonly [I in keyof R]: RefusalRule<R[I]> }
        : readonly RefusalClass[];
    });

type AtRule<D extends Outline, E> =
  At<D, E> extends 'createdAt'
    ? `createdAt belongs to ${InitialEventOf<D>} alone`
    : OrElse<MomentColumnOf<D>, 'there is no column of kind moment'>;

type DataRule<D extends Outline, E, K> =
  K extends Taken<D>
    ? `${K & string} takes the moment of an event, which the caller says as occurredAt`
    : K extends ColumnOf<D>
      ? Kind<DataColumns<D, E>[K & keyof DataColumns<D, E>]> extends Kind<D['columns'][K]>
        ? Column
        : `the column ${K} is of kind ${Kind<D['columns'][K]>}`
      : Column;
type Kind<C> = C extends Column ? C['kind'] : never;

type RefusalRule<R> = R extends RefusalClass
  ? InstanceType<R> extends FieldsOf<R>
    ? R
    : 'each field of a refusal must be a property of its objects, of the same kind'
  : RefusalClass;
/** The properties that the objects of a refusal must have; none if the class inherits the empty fields of `Refusal`. */
type FieldsOf<R extends RefusalClass> = string extends keyof R['fields']
  ? unknown
  : ValuesOf<R['fields']>;

interface StateRule<D extends Outline, S> {
  readonly says: string;
  readonly has?: readonly OrElse<ColumnOf<D>, 'there is no column'>[];
  readonly may?: readonly OrElse<
    Exclude<ColumnOf<D>, Has<D, S>>,
    'the state has all columns already'
  >[];
  readonly accepts?: D['states'][S & keyof D['states']] extends { readonly accepts: infer A }
    ? { readonly [E in keyof A]: AcceptedRule<D, S, E, A[E]> }
    : object;
}

type AcceptedRule<D extends Outline, S, E, T> =
  E extends InitialEventOf<D>
    ? `${E} begins the machine: no state accepts it`
    : E extends EventOf<D>
      ? T extends readonly []
        ? `${E} leads to no state`
        : T extends readonly unknown[]
          ? { readonly [I in keyof T]: TargetRule<D, S, E, T[I]> }
          : TargetRule<D, S, E, T>
      : `no event has the name ${E & string}`;

type TargetRule<D extends Outline, S, E extends string, T> =
  T extends StateOf<D>
    ? At<D, E> extends Has<D, T> | May<D, T> | 'createdAt'
      ? [Lacking<D, S, E, T>] extends [never]
        ? T
        : `${T} has ${Lacking<D, S, E, T> & string}, which ${S & string} may lack and ${E} does not set`
      : `${T} neither has nor may have ${At<D, E>}, which takes the moment of ${E}`
    : StateOf<D>;

/** The columns that T has, S may lack, and E does not set. */
type Lacking<D extends Outline, S, E, T> = Exclude<Has<D, T>, Has<D, S> | At<D, E> | Sets<D, E>>;
