/**
 * A recipe for Apollo Client 4: its normalised cache must identify a life by its id alone, because its type changes.
 */
import {
  ApolloClient,
  ApolloLink,
  CombinedGraphQLErrors,
  HttpLink,
  InMemoryCache,
  type OperationVariables,
  ServerError,
  type TypedDocumentNode,
  gql,
} from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import {
  BIRTH,
  type BirthData,
  LIFE,
  LIVES,
  type LifeData,
  type Lives,
  type LivesData,
  TRANSITIONS,
  type TransitionsData,
  possibleTypes,
} from './lives';
import { type Errors, Newest, follow, insist, refusalIn } from './resilience';

/** By default a life is cached as `Gestating:1` and later as `Alive:1`, and lists go on showing the former. */
export function lifeCache(): InMemoryCache {
  return new InMemoryCache({
    possibleTypes,
    // Must be a function: `keyFields: ['id']` would still put the type before the id.
    typePolicies: {
      Life: { keyFields: ({ id }) => (typeof id === 'string' ? `Life:${id}` : false) },
    },
  });
}

/** @param url of the API: `http://localhost:4000/graphql` */
export function apolloLives(url: string, cache = lifeCache()): Lives {
  // No retries: they would resume with the first cursor.
  const socket = createClient({ url: url.replace(/^http/, 'ws'), retryAttempts: 0 });
  const client = new ApolloClient({
    cache,
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      // The link would reduce the reason of a close to a sentence.
      new GraphQLWsLink({
        ...socket,
        subscribe: (request, sink) =>
          socket.subscribe(request, {
            ...sink,
            error: (error) => {
              sink.error(refusalIn(error));
            },
          }),
      }),
      new HttpLink({ uri: url }),
    ),
  });
  const newest = new Newest();
  const life = document<LifeData, { id: string }>(LIFE);
  const lives = document<LivesData>(LIVES);
  const birth = document<BirthData, { id: string; idempotencyKey: string }>(BIRTH);
  const transitions = document<TransitionsData, { after: string }>(TRANSITIONS);

  return {
    watchLives({ show, fail }) {
      const results = client
        .watchQuery({ query: lives })
        .subscribe(({ data, dataState, error }) => {
          if (dataState === 'complete') show(data.lives.nodes.map((each) => newest.of(each)));
          else if (error) fail(error);
        });
      return () => {
        results.unsubscribe();
      };
    },

    watchLife(id, { show, fail }) {
      const results = client
        .watchQuery({ query: life, variables: { id } })
        .subscribe(({ data, dataState, error }) => {
          if (dataState === 'complete') show(data.life && newest.of(data.life));
          else if (error) fail(error);
        });
      return () => {
        results.unsubscribe();
      };
    },

    async birth(id, idempotencyKey = crypto.randomUUID()) {
      const variables = { id, idempotencyKey };
      const send = async () => client.mutate({ mutation: birth, variables });
      return insist(async () => (await send()).data?.birth, errorsOf, responseOf);
    },

    async follow(after, onTransition, signal) {
      await follow(after, onTransition, signal, (cursor, subscriber) => {
        const results = client
          .subscribe({ query: transitions, variables: { after: cursor } })
          .subscribe({
            next: ({ data, error }) => {
              if (data) subscriber.next(data.transitions);
              else subscriber.end(errorsOf(error));
            },
            complete: () => {
              subscriber.end([]);
            },
          });
        return () => {
          results.unsubscribe();
        };
      });
    },

    async close() {
      client.stop();
      await socket.dispose();
    },
  };
}

function document<Data, Variables extends OperationVariables = Record<string, never>>(
  text: string,
): TypedDocumentNode<Data, Variables> {
  return gql(text);
}

function errorsOf(thrown: unknown): Errors {
  if (CombinedGraphQLErrors.is(thrown)) return thrown.errors;
  if (!ServerError.is(thrown)) return [];
  // The server answers in plain JSON if it refuses a request unread. Apollo Client does not parse that.
  try {
    return (JSON.parse(thrown.bodyText) as { errors?: Errors }).errors ?? [];
  } catch {
    // The answer came from a proxy, not from the API.
    return [];
  }
}

function responseOf(thrown: unknown): Response | undefined {
  return ServerError.is(thrown) ? thrown.response : undefined;
}
