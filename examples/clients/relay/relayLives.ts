/**
 * A recipe for Relay, whose store identifies a record by its id alone. So a life stays one record when its type
 * changes.
 */
import { type ExecutionResult, createClient } from 'graphql-ws';
import {
  type Disposable,
  Environment,
  type GraphQLTaggedNode,
  Network,
  Observable,
  type OperationType,
  RecordSource,
  type Snapshot,
  Store,
  commitMutation,
  createOperationDescriptor,
  fetchQuery,
  getRequest,
  graphql,
  requestSubscription,
} from 'relay-runtime';
import type { Life, Lives, Refusal, Stop, Transition, View } from '../lives';
import { type Errors, Newest, follow, insist, refusalIn } from '../resilience';
import type { relayLivesBirthMutation } from './__generated__/relayLivesBirthMutation.graphql';
import type { relayLivesLifeQuery } from './__generated__/relayLivesLifeQuery.graphql';
import type { relayLivesListQuery } from './__generated__/relayLivesListQuery.graphql';
import type { relayLivesTransitionsSubscription } from './__generated__/relayLivesTransitionsSubscription.graphql';

/** The fields that every view shows. A mutation that selects fewer would leave a view incomplete. */
export const lifeFragment = graphql`
  fragment relayLives_life on Life {
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

const lifeQuery = graphql`
  query relayLivesLifeQuery($id: ID!) {
    life(id: $id) {
      ...relayLives_life @relay(mask: false)
    }
  }
`;

const listQuery = graphql`
  query relayLivesListQuery {
    lives(order: NEWEST_FIRST) {
      nodes {
        ...relayLives_life @relay(mask: false)
      }
    }
  }
`;

const birthMutation = graphql`
  mutation relayLivesBirthMutation($id: ID!, $idempotencyKey: String!) {
    birth(id: $id, idempotencyKey: $idempotencyKey) {
      __typename
      ... on Alive {
        id
        version
        nextEvents
        bornAt
      }
      ... on TransitionError {
        message
      }
      ... on IllegalTransition {
        life {
          ...relayLives_life @relay(mask: false)
        }
      }
    }
  }
`;

const transitionsSubscription = graphql`
  subscription relayLivesTransitionsSubscription($after: String!) {
    transitions(after: $after) {
      cursor
      event
      version
      lifeId
      life {
        ...relayLives_life @relay(mask: false)
      }
    }
  }
`;

/** @param url of the API: `http://localhost:4000/graphql` */
export function relayLives(url: string): Lives {
  // No retries: they would resume with the first cursor.
  const socket = createClient({ url: url.replace(/^http/, 'ws'), retryAttempts: 0 });
  const environment = new Environment({
    network: Network.create(
      async (request, variables) => {
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query: request.text, variables }),
        });
        // The type is that of the GraphQL specification. Relay itself ignores errors of nullable fields.
        const { data, errors } = (await response.json()) as ExecutionResult;
        if (!data || errors) throw refusal(errors, response);
        return { data };
      },
      ({ text }, variables) =>
        Observable.create((sink) =>
          socket.subscribe(
            { query: text ?? '', variables },
            {
              next: ({ data, errors }) => {
                if (data) sink.next({ data });
                else sink.error(refusal(errors));
              },
              // Either a list of GraphQL errors, or the event that closed the socket.
              error: (error) => {
                sink.error(refusal(refusalIn(error)));
              },
              complete: () => {
                sink.complete();
              },
            },
          ),
        ),
    ),
    store: new Store(new RecordSource()),
  });
  const newest = new Newest();
  // Relay's types do not narrow by `__typename`.
  const shownOf = (life: object): Life => newest.of(life as Life);

  /** Fetches a query, and shows its data in the store now and after each change. */
  const watch = <Query extends OperationType>(
    query: GraphQLTaggedNode,
    variables: Query['variables'],
    { show, fail }: View<Query['response']>,
  ): Stop => {
    const operation = createOperationDescriptor(getRequest(query), variables);
    const retained = environment.retain(operation);
    let shown: Disposable | undefined;
    const fetched = fetchQuery<Query>(environment, query, variables).subscribe({
      complete: () => {
        const snapshot = environment.lookup(operation.fragment);
        const showSnapshot = ({ data }: Snapshot) => {
          show(data);
        };
        shown = environment.subscribe(snapshot, showSnapshot);
        showSnapshot(snapshot);
      },
      error: fail,
    });
    return () => {
      fetched.unsubscribe();
      shown?.dispose();
      retained.dispose();
    };
  };

  return {
    watchLives({ show, fail }) {
      return watch<relayLivesListQuery>(
        listQuery,
        {},
        {
          show: ({ lives }) => {
            show(lives.nodes.map(shownOf));
          },
          fail,
        },
      );
    },

    watchLife(id, { show, fail }) {
      return watch<relayLivesLifeQuery>(
        lifeQuery,
        { id },
        {
          show: ({ life }) => {
            show(life ? shownOf(life) : null);
          },
          fail,
        },
      );
    },

    async birth(id, idempotencyKey = crypto.randomUUID()) {
      const send = async (): Promise<relayLivesBirthMutation['response']> =>
        new Promise((resolve, reject) => {
          commitMutation<relayLivesBirthMutation>(environment, {
            mutation: birthMutation,
            variables: { id, idempotencyKey },
            onCompleted: resolve,
            onError: reject,
          });
        });
      // Relay's types do not narrow by `__typename`.
      return insist(
        async () => (await send()).birth as Life | Refusal | null,
        errorsOf,
        responseOf,
      );
    },

    async follow(after, onTransition, signal) {
      await follow(after, onTransition, signal, (cursor, subscriber) => {
        const subscription = requestSubscription<relayLivesTransitionsSubscription>(environment, {
          subscription: transitionsSubscription,
          variables: { after: cursor },
          onNext: (data) => {
            if (data) subscriber.next(data.transitions as Transition);
          },
          onError: (error) => {
            subscriber.end(errorsOf(error));
          },
          onCompleted: () => {
            subscriber.end([]);
          },
        });
        return () => {
          subscription.dispose();
        };
      });
    },

    async close() {
      await socket.dispose();
    },
  };
}

/** @param errors the GraphQL errors, or anything else that came instead of data */
function refusal(errors: unknown, response?: Response): AggregateError {
  return new AggregateError(
    Array.isArray(errors) ? errors : [],
    'The request was refused or not answered.',
    { cause: response },
  );
}

function errorsOf(thrown: unknown): Errors {
  // `refusal` makes it.
  return thrown instanceof AggregateError ? (thrown.errors as Errors) : [];
}

function responseOf(thrown: unknown): Response | undefined {
  return thrown instanceof AggregateError && thrown.cause instanceof Response
    ? thrown.cause
    : undefined;
}
