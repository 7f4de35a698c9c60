/**
 * What the declaration of a machine says. What it must not say is in `rules.ts`, for the compiler, and in `checks/`,
 * when it is made. What types are read from it is in `reading.ts`.
 */
import type { Columns } from './columns';
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
  /** What many of them are called; left out, the name with a small letter in front and an s at the end. */
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

/**
 * As much of a declaration as the compiler must know before it can say what is wrong with the rest. With a stricter
 * bound it would forget all that is written as soon as one word is wrong, and complain of each class of the machine.
 */
export interface Outline {
  readonly columns: object;
  readonly initial: object;
  readonly events: object;
  readonly states: object;
}
