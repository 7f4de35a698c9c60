/**
 * What the declaration of a machine says, and the names that its types are read by. What a declaration must not say
 * is in `rules.ts` (for the compiler) and `checks.ts` (when it is made).
 */
import type { Column, Columns, ValueOf, ValuesOf } from './columns';
import type { MachineRecord } from './record';
import type { RefusalClass } from './refusals';

export interface EventDeclaration {
  /** The method that makes the transition, and the mutation that asks for it. */
  readonly verb: string;
  /** The column that takes the moment; of the event that begins the machine, and of no other, `createdAt`. */
  readonly at: string;
  /** What happens, in a sentence for the readers of the schema. */
  readonly says: string;
  /** What the caller says; what has the name of a column sets that column. */
  readonly data?: Columns;
  /** The columns that the class computes. */
  readonly sets?: readonly string[];
  /** Why the class may refuse it, beside a moment out of range. */
  readonly refusals?: readonly RefusalClass[];
}

export interface StateDeclaration {
  /** What it means to be in this state, in a sentence for the readers of the schema. */
  readonly says: string;
  /** The columns that have a value in this state. */
  readonly has?: readonly string[];
  /** The columns that may have one. All others are null. */
  readonly may?: readonly string[];
  /** What each event that this state accepts leads to; none is accepted where the state is final. */
  readonly accepts?: Readonly<Record<string, string | readonly string[]>>;
}

export interface Declaration {
  /** What many of them are called; left out, the name in lower case with an s. */
  readonly plural?: string;
  /** Whether it takes the names without its own in front, as one machine of a server may. */
  readonly bare?: boolean;
  /** What it is, in a sentence for the readers of the schema. */
  readonly says: string;
  readonly columns: Columns;
  /** The event that begins a machine, and the state in which it begins. */
  readonly initial: { readonly event: string; readonly to: string };
  readonly events: Readonly<Record<string, EventDeclaration>>;
  readonly states: Readonly<Record<string, StateDeclaration>>;
}

export type StateOf<D extends Declaration> = keyof D['states'] & string;
export type EventOf<D extends Declaration> = keyof D['events'] & string;
export type ColumnOf<D extends Declaration> = keyof D['columns'] & string;
export type InitialEventOf<D extends Declaration> = D['initial']['event'] & EventOf<D>;
export type InitialStateOf<D extends Declaration> = D['initial']['to'] & StateOf<D>;
/** The events that some state may accept: all but the one that begins the machine. */
export type TransitionEventOf<D extends Declaration> = Exclude<EventOf<D>, D['initial']['event']>;

/** The columns that have a value in state S. */
export type Has<D extends Declaration, S> =
  S extends StateOf<D>
    ? D['states'][S] extends { readonly has: readonly (infer C)[] }
      ? C
      : never
    : never;

/** The columns that may have a value in state S. */
export type May<D extends Declaration, S> =
  S extends StateOf<D>
    ? D['states'][S] extends { readonly may: readonly (infer C)[] }
      ? C
      : never
    : never;

type Accepts<D extends Declaration, S> =
  S extends StateOf<D>
    ? D['states'][S] extends { readonly accepts: infer A }
      ? A
      : object
    : never;

/** The events that state S accepts. */
export type AcceptedIn<D extends Declaration, S> = keyof Accepts<D, S> & string;

type Named<N> = N extends readonly (infer Name)[] ? Name : N;

/** The states that E leads to from S. */
export type Target<D extends Declaration, S, E> =
  S extends StateOf<D>
    ? E extends keyof Accepts<D, S>
      ? Named<Accepts<D, S>[E]> & StateOf<D>
      : never
    : never;

/** The column that takes the moment of E. */
export type At<D extends Declaration, E> = E extends EventOf<D> ? D['events'][E]['at'] : never;

export type Verb<D extends Declaration, E> = E extends EventOf<D> ? D['events'][E]['verb'] : never;

type DataColumns<D extends Declaration, E> =
  E extends EventOf<D>
    ? D['events'][E] extends { readonly data: infer C extends Columns }
      ? C
      : object
    : never;

/** What the caller says with E. */
export type Data<D extends Declaration, E> = [keyof DataColumns<D, E>] extends [never]
  ? Readonly<Record<string, never>>
  : ValuesOf<DataColumns<D, E> & Columns>;

/** What the verb of E takes. */
export type Arguments<D extends Declaration, E, M> = [keyof DataColumns<D, E>] extends [never]
  ? [at: M]
  : [data: Data<D, E>, at: M];

/** The columns that E sets beside its moment. */
export type Sets<D extends Declaration, E> =
  E extends EventOf<D>
    ? | (D['events'][E] extends { readonly sets: readonly (infer C)[] } ? C : never)
      | (keyof DataColumns<D, E> & ColumnOf<D>)
    : never;

/** The refusals of the machine's own that E may meet. */
export type RefusalOf<D extends Declaration, E> =
  E extends EventOf<D>
    ? D['events'][E] extends { readonly refusals: readonly (infer R extends RefusalClass)[] }
      ? InstanceType<R>
      : never
    : never;

/** A record in any state, as the database has it. */
export type AnyRecordOf<D extends Declaration> = MachineRecord & {
  readonly [K in keyof D['columns']]: D['columns'][K] extends infer C extends Column
    ? ValueOf<C> | null
    : never;
};

/** The record in state S: what the state has is there, what it may have may be null, and all else is null. */
export type RecordIn<D extends Declaration, S> = MachineRecord & { readonly stateType: S } & {
  readonly [K in keyof D['columns']]: D['columns'][K] extends infer C extends Column
    ? K extends Has<D, S>
      ? ValueOf<C>
      : K extends May<D, S>
        ? ValueOf<C> | null
        : null
    : never;
};
