/** The measured GraphQL operations: the same documents for every server, and the marks of a correct answer. */

export interface Operation {
  readonly document: string;
  /** A part of every correct answer's body. A body with errors is always wrong. */
  readonly expected: string;
}

export type Variables = Readonly<Record<string, string>>;

export const operations = {
  typename: {
    document: '{ __typename }',
    expected: '{"__typename":"Query"}',
  },
  conceive: {
    document: 'mutation Conceive { conceive { __typename id phase version createdAt nextEvents } }',
    expected: '"conceive":{"__typename":"Gestating"',
  },
  birth: {
    document: `mutation Birth($id: ID!) {
  birth(id: $id) {
    __typename
    ... on Alive { id phase version createdAt bornAt }
    ... on TransitionError { message }
  }
}`,
    expected: '"birth":{"__typename":"Alive"',
  },
  life: {
    document: `query Life($id: ID!) {
  life(id: $id) {
    __typename id phase version createdAt updatedAt nextEvents
    ... on Alive { bornAt }
    ... on Dead { diedAt }
  }
}`,
    expected: '"life":{"__typename":"',
  },
  lives: {
    document: `query Lives($after: String) {
  lives(first: 20, after: $after) {
    edges { cursor node { __typename id phase version createdAt } }
    pageInfo { hasNextPage endCursor }
  }
}`,
    expected: '"edges":[{"cursor":"',
  },
  census: {
    document: '{ census { gestating alive dead total cursor } }',
    expected: '"census":{"gestating":',
  },
} as const satisfies Readonly<Record<string, Operation>>;

/** The subscribers' document. It selects all that a row of the history records. */
export const subscriptions = {
  transitions: `subscription Transitions($after: String) {
  transitions(after: $after) {
    cursor lifeId version event from to occurredAt recordedAt actor
    snapshot { createdAt updatedAt bornAt diedAt }
  }
}`,
  lifeChanged: `subscription LifeChanged($id: ID!) {
  lifeChanged(id: $id) { __typename id phase version }
}`,
} as const;

export type OperationName = keyof typeof operations;
