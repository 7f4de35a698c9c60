/** What the documents of documents.ts are answered: their types, as far as they are those of any machine. */

/** The columns of a machine, by their names. */
type Columns = Readonly<Record<string, unknown>>;

/** What a life, and a snapshot of one, has whatever machine it is of; the code calls any of them a life. */
interface Known {
  readonly phase: string;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly nextEvents: readonly string[];
}

export type Snapshot = Known & Columns;

export type Facts = Snapshot & { readonly id: string };

export interface Transition {
  readonly cursor: string;
  readonly event: string;
  readonly from: string | null;
  readonly to: string;
  readonly version: number;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly actor: string | null;
  readonly lifeId: string;
}

/** A transition of the feed, and the life as it is by then. */
export type News = Transition & { readonly life: Facts };

export type WithHistory = Facts & {
  readonly history: {
    readonly nodes: readonly Transition[];
    readonly pageInfo: { readonly hasPreviousPage: boolean };
  };
};

export interface Page<Node> {
  readonly nodes: readonly Node[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

/** Which page of a connection. */
export interface Place {
  readonly first?: number;
  readonly after?: string | null;
  readonly last?: number;
  readonly before?: string | null;
}

export interface PageVariables extends Place {
  readonly phase: readonly string[] | null;
  readonly order: 'OLDEST_FIRST' | 'NEWEST_FIRST';
}

export interface FeedVariables extends Place {
  readonly events: readonly string[] | null;
}

/** Why a life did not change. Any refusal has its type's name and a message; the rest is that of a few. */
export interface Refusal {
  readonly __typename: string;
  readonly refusalMessage: string;
  /** Of an `IllegalTransition`: the life as it is now, and its last transition. */
  readonly refusalLife?: Facts & { readonly history: { readonly nodes: readonly Transition[] } };
  /** Of an `OccurredAtOutOfRange`. */
  readonly refusalEarliest?: string;
  readonly refusalLatest?: string;
}

export type Outcome = Facts | Refusal;

export function isRefusal(outcome: Outcome): outcome is Refusal {
  return 'refusalMessage' in outcome;
}

/** What an event is told beside whom it happens to. */
export type Data = Readonly<Record<string, unknown>>;
