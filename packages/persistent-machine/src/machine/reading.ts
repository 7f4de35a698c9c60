/** The types that are derived from a declaration D: its names, what its states hold, what its events carry and set. */
import type { Column, ValueOf } from './columns';
import type { Outline } from './declaration';
import type { MachineRecord } from './record';
import type { Refusal } from './refusals';

// Not `keyof … & string`: in an error the compiler would print that alias instead of the names that are allowed.
export type StateOf<D extends Outline> = Extract<keyof D['states'], string>;
export type EventOf<D extends Outline> = Extract<keyof D['events'], string>;
export type ColumnOf<D extends Outline> = Extract<keyof D['columns'], string>;

type State<D extends Outline, S> = S extends keyof D['states'] ? D['states'][S] : never;
type Event<D extends Outline, E> = E extends keyof D['events'] ? D['events'][E] : never;

/** The event that begins the machine. */
export type InitialEventOf<D extends Outline> = D['initial'] extends { readonly event: infer E }
  ? E & EventOf<D>
  : never;
/** The state in which the machine begins. */
export type InitialStateOf<D extends Outline> = D['initial'] extends { readonly to: infer S }
  ? S & StateOf<D>
  : never;
/** All events but the one that begins the machine. */
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
/** The states that E leads to from S. For a union of states, the union of their targets. */
export type Target<D extends Outline, S, E> =
  S extends StateOf<D>
    ? E extends keyof Accepts<D, S>
      ? Named<Accepts<D, S>[E]> & StateOf<D>
      : never
    : never;
type Named<N> = N extends readonly (infer Name)[] ? Name : N;
/** The events that lead from S to T. */
export type Between<D extends Outline, S, T> = {
  [E in AcceptedIn<D, S>]: T extends Target<D, S, E> ? E : never;
}[AcceptedIn<D, S>];

/** The verb of E. */
export type Verb<D extends Outline, E> =
  Event<D, E> extends { readonly verb: infer V extends string } ? V : never;
/** The column that takes the moment of E. */
export type At<D extends Outline, E> =
  Event<D, E> extends { readonly at: infer C extends string } ? C : never;
/** The declaration of the data of E. */
export type DataColumns<D extends Outline, E> =
  Event<D, E> extends { readonly data: infer C extends object } ? C : object;
/** The data of E, which the caller says. */
export type Data<D extends Outline, E> = [keyof DataColumns<D, E>] extends [never]
  ? Readonly<Record<string, never>>
  : { readonly [K in keyof DataColumns<D, E>]: ValueOf<DataColumns<D, E>[K]> };
/** The parameters of the verb of E; M is the type of the moment. */
export type Arguments<D extends Outline, E, M> = [keyof DataColumns<D, E>] extends [never]
  ? [at: M]
  : [data: Data<D, E>, at: M];
/** The columns among the data of E. */
export type Said<D extends Outline, E> = keyof DataColumns<D, E> & ColumnOf<D>;
/** The columns that E sets beside its moment: those among its data, and what the class computes. */
export type Sets<D extends Outline, E> =
  | Said<D, E>
  | (Event<D, E> extends { readonly sets: readonly (infer C)[] } ? C & ColumnOf<D> : never);
/** The machine's own refusals of E. */
export type RefusalOf<D extends Outline, E> =
  Event<D, E> extends { readonly refusals: readonly (infer R)[] }
    ? R extends new (...facts: never) => Refusal
      ? InstanceType<R>
      : never
    : never;

/** The record in state S: what S has is not null, what S may have is nullable, and all else is null. */
export type RecordIn<D extends Outline, S> = MachineRecord & { readonly stateType: S } & {
  readonly [K in keyof D['columns']]: K extends Has<D, S>
    ? ValueOf<D['columns'][K]>
    : K extends May<D, S>
      ? ValueOf<D['columns'][K]> | null
      : null;
};

/** The record in any state: its own columns are nullable. */
export type AnyRecordOf<D extends Outline> = MachineRecord & {
  readonly [K in keyof D['columns']]: ValueOf<D['columns'][K]> | null;
};

/** T, or `Otherwise` where T is never. */
export type OrElse<T, Otherwise> = [T] extends [never] ? Otherwise : T;

/** The columns of kind `moment`. */
export type MomentColumnOf<D extends Outline> = {
  [C in ColumnOf<D>]: D['columns'][C] extends Extract<Column, { kind: 'moment' }> ? C : never;
}[ColumnOf<D>];
