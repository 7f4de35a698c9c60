/**
 * What each recipe asks for, and what it gives to a frontend, so that they can be compared. Knows no client
 * library. Relay has documents of its own, with names as its compiler wants them.
 */

/** What is shown of a life, in lists as alone: a mutation that selects less would leave its views incomplete. */
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

/** Whoever loses a race is shown who won: the refusal has the life as it is. */
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

/** With the life as it is, so that a cache learns of what others do. */
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

/** Which types each interface has, for caches to know: a life goes through three, and stays the same. */
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
      /** As it is. */
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

/** What is on the screen, or says there that it could not be had. */
export interface View<Shown> {
  readonly show: (shown: Shown) => void;
  readonly fail: (error: unknown) => void;
}

/** Ends what it was returned by. */
export type Stop = () => void;

/** A recipe, in use. */
export interface Lives {
  /** Shows the newest lives, and again whenever one of them is another. */
  watchLives(view: View<readonly Life[]>): Stop;
  /** Shows one life, or null where there is none, and again whenever it is another. */
  watchLife(id: string, view: View<Life | null>): Stop;
  /**
   * @param idempotencyKey one for each time that somebody wants a birth: with the same, it is the same birth
   * @returns the life as it was right after its birth, or why it is not born
   */
  birth(id: string, idempotencyKey?: string): Promise<Life | Refusal>;
  /**
   * Follows the feed of all transitions, across lost connections: each comes once, and in order.
   *
   * @param after the cursor of the last one that was dealt with; `census { cursor }` has that of the last one
   *   of all
   * @param onTransition when it returns, the transition has been dealt with
   * @returns once `signal` is aborted
   */
  follow(
    after: string,
    onTransition: (transition: Transition) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Closes its connection. */
  close(): Promise<void>;
}
