/**
 * The shape of a declaration. The rules for it are in `rules.ts` for the compiler, and in `checks/` for run time; the
 * types that are derived from it are in `reading.ts`.
 */
import type { Columns } from './columns';
import type { RefusalClass } from './refusals';

export interface EventDeclaration {
  /** The method that makes the transition, and the mutation that asks for it. */
  readonly verb: string;
  /** The column that takes the moment. It is `createdAt` for the event that begins the machine, and for no other. */
  readonly at: string;
  /** What happens, in a sentence for the readers of the schema. */
  readonly says: string;
  /** What the caller says. A datum with the name of a column sets that column. */
  readonly data?: Columns;
  /** The columns that the class computes. */
  readonly sets?: readonly string[];
  /** The machine's own refusals, with which the class may answer. */
  readonly refusals?: readonly RefusalClass[];
}

export interface StateDeclaration {
  /** What it means to be in this state, in a sentence for the readers of the schema. */
  readonly says: string;
  /** The columns that have a value in this state. */
  readonly has?: readonly string[];
  /** The columns that may have a value in this state. All others are null. */
  readonly may?: readonly string[];
  /** For each event that this state accepts, the states that it leads to. A final state accepts none. */
  readonly accepts?: Readonly<Record<string, string | readonly string[]>>;
}

export interface Declaration {
  /** The plural of the name. Default: the name with a small first letter, and an s at the end. */
  readonly plural?: string;
  /** Whether its GraphQL names lack the machine's name as a prefix. At most one machine of a server may do so. */
  readonly bare?: boolean;
  /** What the machine is, in a sentence for the readers of the schema. */
  readonly says: string;
  readonly columns: Columns;
  /** The event that begins a machine, and the state in which it begins. */
  readonly initial: { readonly event: string; readonly to: string };
  readonly events: Readonly<Record<string, EventDeclaration>>;
  readonly states: Readonly<Record<string, StateDeclaration>>;
}

/**
 * The bound by which the compiler infers a declaration. With a stricter bound, one wrong word would make it fall back
 * to the bound itself, and then complain about every class of the machine.
 */
export interface Outline {
  readonly columns: object;
  readonly initial: object;
  readonly events: object;
  readonly states: object;
}
