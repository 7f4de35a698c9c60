/** What is read from the type of a declaration: its names, what its states hold, and what its events carry and set. */
import type { Column, ValueOf } from './columns';
import type { Outline } from './declaration';
import type { MachineRecord } from './record';
import type { Refusal } from './refusals';

// Not `keyof … & string`: that the compiler would print by its name, where its readers look for the names that are right.
export type StateOf<D extends Outline> = Extract<keyof D['states'], string>;
export type EventOf<D extends Outline> = Extract<keyof D['events'], string>;
export type ColumnOf<D extends Outline> = Extract<keyof D['columns'], string>;

type State<D extends Outline, S> = S extends keyof D['states'] ? D['states'][S] : never;
type Event<D extends Outline, E> = E extends keyof D['events'] ? D['events'][E] : never;

/** The event that begins the machine. */
export type InitialEventOf<D extends Outline> = D['initial'] extends { readonly event: infer E }
  ? E & EventOf<D>
  : never;
/** The state that the machine begins in. */
export type InitialStateOf<D extends Outline> = D['initial'] extends { readonly to: infer S }
  ? S & StateOf<D>
  : never;
/** The events that some state may accept: all but the one that begins the machine. */
export type TransitionEventOf<D extends Outline> = Exclude<EventOf<D>, InitialEventOf<D>>;

/** The columns that have a value in state S. */
export type Has<D extends Outline, S> =
  State<D, S> extends { readonly has: readonly (infer C)[] } ? C : never;
/** The columns that may have a value in state S. */
export type May<D extends Outline, S> =
  State<D, S> extends { readonly may: readonly (infer C)[] } ? C : never;

type Accepts<D extends Outline, S> =
  State<D, S> extends { readonly accepts: infer A extends object } ? A : object;
/** The events that state S accepts. */
export type AcceptedIn<D extends Outline, S> = Extract<keyof Accepts<D, S>, string>;
/** The states that E leads to from S; from several, the union of where it leads from each. */
export type Target<D extends Outline, S, E> =
  S extends StateOf<D>
    ? E extends keyof Accepts<D, S>
      ? Named<Accepts<D, S>[E]> & StateOf<D>
      : never
    : never;
type Named<N> = N extends readonly (infer Name)[] ? Name : N;
/** The events by which S may become T. */
export type Between<D extends Outline, S, T> = {
  [E in AcceptedIn<D, S>]: T extends Target<D, S, E> ? E : never;
}[AcceptedIn<D, S>];

/** The verb of E; of several events, of each. */
export type Verb<D extends Outline, E> =
  Event<D, E> extends { readonly verb: infer V extends string } ? V : never;
/** The column that takes the moment of E. */
export type At<D extends Outline, E> =
  Event<D, E> extends { readonly at: infer C extends string } ? C : never;
/** What is declared of the data that E carries. */
export type DataColumns<D extends Outline, E> =
  Event<D, E> extends { readonly data: infer C extends object } ? C : object;
/** What the caller says with E. */
export type Data<D extends Outline, E> = [keyof DataColumns<D, E>] extends [never]
  ? Readonly<Record<string, never>>
  : { readonly [K in keyof DataColumns<D, E>]: ValueOf<DataColumns<D, E>[K]> };
/** What the verb of E takes, with its moment as M. */
export type Arguments<D extends Outline, E, M> = [keyof DataColumns<D, E>] extends [never]
  ? [at: M]
  : [data: Data<D, E>, at: M];
/** The data of E that are columns. */
export type Said<D extends Outline, E> = keyof DataColumns<D, E> & ColumnOf<D>;
/** The columns that E sets beside its moment: its data that are columns, and what the class computes. */
export type Sets<D extends Outline, E> =
  | Said<D, E>
  | (Event<D, E> extends { readonly sets: readonly (infer C)[] } ? C & ColumnOf<D> : never);
/** The refusals of the machine's own that E may meet. */
export type RefusalOf<D extends Outline, E> =
  Event<D, E> extends { readonly refusals: readonly (infer R)[] }
    ? R extends new (...facts: never) => Refusal
      ? InstanceType<R>
      : never
    : never;

/** The record in state S: what the state has is there, what it may have may be null, and all else is null. */
export type RecordIn<D extends Outline, S> = MachineRecord & { readonly stateType: S } & {
  readonly [K in keyof D['columns']]: K extends Has<D, S>
    ? ValueOf<D['columns'][K]>
    : K extends May<D, S>
      ? ValueOf<D['columns'][K]> | null
      : null;
};

/** The record in any state, as the database has it. */
export type AnyRecordOf<D extends Outline> = MachineRecord & {
  readonly [K in keyof D['columns']]: ValueOf<D['columns'][K]> | null;
};

/** T; where it is never, what stands in for it. */
export type OrElse<T, Otherwise> = [T] extends [never] ? Otherwise : T;

/** The columns of kind `moment`. */
export type MomentColumnOf<D extends Outline> = {
  [C in ColumnOf<D>]: D['columns'][C] extends Extract<Column, { kind: 'moment' }> ? C : never;
}[ColumnOf<D>];
