/**
 * The documents that all recipes send, and the interface that they offer to a frontend. Knows no client library.
 * Relay has documents of its own, because its compiler prescribes their names.
 */

/** The fields that every view shows. A mutation that selects fewer would leave a view incomplete. */
export const LIFE_FIELDS = /* GraphQL */ `
  fragment LifeFields on Life {
    __typename
    id
    version
    nextEvents
    ... on Alive {
      bornAt
    }
    ... on Dead {
      diedAt
    }
  }
`;

export const LIFE = /* GraphQL */ `
  query Life($id: ID!) {
    life(id: $id) {
      ...LifeFields
    }
  }
  ${LIFE_FIELDS}
`;

export const LIVES = /* GraphQL */ `
  query Lives {
    lives(order: NEWEST_FIRST) {
      nodes {
        ...LifeFields
      }
    }
  }
  ${LIFE_FIELDS}
`;

/** If the client loses a race, the refusal contains the current life, which the client can show. */
export const BIRTH = /* GraphQL */ `
  mutation Birth($id: ID!, $idempotencyKey: String!) {
    birth(id: $id, idempotencyKey: $idempotencyKey) {
      __typename
      ...LifeFields
      ... on TransitionError {
        message
      }
      ... on IllegalTransition {
        life {
          ...LifeFields
        }
      }
    }
  }
  ${LIFE_FIELDS}
`;

/** Selects the current life, so that the cache learns what other clients do. */
export const TRANSITIONS = /* GraphQL */ `
  subscription Transitions($after: String!) {
    transitions(after: $after) {
      cursor
      event
      version
      lifeId
      life {
        ...LifeFields
      }
    }
  }
  ${LIFE_FIELDS}
`;

/** Where the feed ends now, to be followed from there. */
export const CENSUS = /* GraphQL */ `
  query Census {
    census {
      cursor
    }
  }
`;

/** The types of each interface, which caches need: one life has three types in turn. */
export const possibleTypes = {
  Life: ['Gestating', 'Alive', 'Dead'],
  TransitionError: [
    'LifeNotFound',
    'IllegalTransition',
    'OccurredAtOutOfRange',
    'IdempotencyKeyReused',
  ],
};

interface LifeFields {
  readonly id: string;
  readonly version: number;
  readonly nextEvents: readonly LifeEvent[];
}
export type LifeEvent = 'CONCEPTION' | 'BIRTH' | 'DEATH';
export type Life = LifeFields &
  (
    | { readonly __typename: 'Gestating' }
    | { readonly __typename: 'Alive'; readonly bornAt: string }
    | { readonly __typename: 'Dead'; readonly diedAt: string }
  );

export type Refusal = { readonly message: string } & (
  | { readonly __typename: 'LifeNotFound' | 'OccurredAtOutOfRange' | 'IdempotencyKeyReused' }
  | {
      readonly __typename: 'IllegalTransition';
      /** The current life. */
      readonly life: Life;
    }
);

export interface Transition {
  readonly cursor: string;
  readonly event: LifeEvent;
  readonly version: number;
  readonly lifeId: string;
  readonly life: Life;
}

export interface CensusData {
  readonly census: { readonly cursor: string };
}
export interface LifeData {
  readonly life: Life | null;
}
export interface LivesData {
  readonly lives: { readonly nodes: readonly Life[] };
}
export interface BirthData {
  readonly birth: Life | Refusal | null;
}
export interface TransitionsData {
  readonly transitions: Transition;
}

/** A part of the page, which shows data or an error. */
export interface View<Shown> {
  readonly show: (shown: Shown) => void;
  readonly fail: (error: unknown) => void;
}

/** Ends the view or the subscription that returned it. */
export type Stop = () => void;

/** What each recipe offers to a frontend. */
export interface Lives {
  /** Shows the newest lives, and again whenever one of them changes. */
  watchLives(view: View<readonly Life[]>): Stop;
  /** Shows one life, or null if there is none, and again whenever it changes. */
  watchLife(id: string, view: View<Life | null>): Stop;
  /**
   * @param idempotencyKey a new one for each click of the user; a retry with the same key is the same birth
   * @returns the life right after its birth, or why it is not born
   */
  birth(id: string, idempotencyKey?: string): Promise<Life | Refusal>;
  /**
   * Follows the feed across lost connections. Each transition comes once, and in order.
   *
   * @param after the cursor of the last transition that the client has handled; `census { cursor }` has the newest
   * @param onTransition handles a transition; once it has returned, the transition does not come again
   * @returns when `signal` is aborted
   */
  follow(
    after: string,
    onTransition: (transition: Transition) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Closes the connection. */
  close(): Promise<void>;
}
