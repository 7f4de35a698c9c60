/**
 * A recipe for Apollo Client 4: its normalised cache must identify a life by its id alone, because its type changes.
 */
import {
  ApolloClient,
  ApolloLink,
  type Cache,
  CombinedGraphQLErrors,
  HttpLink,
  InMemoryCache,
  type OperationVariables,
  type Reference,
  ServerError,
  type TypedDocumentNode,
  gql,
} from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import {
  BIRTH,
  type BirthData,
  CENSUS,
  type CensusData,
  LIFE,
  LIFE_FIELDS,
  LIVES,
  type Life,
  type LifeData,
  type Lives,
  type LivesData,
  type Refusal,
  TRANSITIONS,
  type Transition,
  type TransitionsData,
  possibleTypes,
} from './lives';
import { type Errors, Newest, follow, insist, refusalIn } from './resilience';

export const documents = {
  census: document<CensusData>(CENSUS),
  fields: document<Life>(LIFE_FIELDS),
  life: document<LifeData, { id: string }>(LIFE),
  lives: document<LivesData>(LIVES),
  birth: document<BirthData, { id: string; idempotencyKey: string }>(BIRTH),
  transitions: document<TransitionsData, { after: string }>(TRANSITIONS),
};

/** In place of a life that is written to the cache, the newest version that was ever written. */
class NewestCache extends InMemoryCache {
  #newest = new Newest();

  override write<Data = unknown, Variables extends OperationVariables = OperationVariables>(
    options: Cache.WriteOptions<Data, Variables>,
  ): Reference | undefined {
    // Each life has been replaced by a life, and the answer keeps its type.
    return super.write({ ...options, result: this.#withNewest(options.result) as Data });
  }

  /** After `client.clearStore()` an older version may be the right one: the database was set back. */
  override reset(options?: Cache.ResetOptions): Promise<void> {
    this.#newest = new Newest();
    return super.reset(options);
  }

  #withNewest(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => this.#withNewest(each));
    if (typeof value !== 'object' || value === null) return value;
    if (isLife(value)) {
      const newest = this.#newest.of(value);
      // Of the same version, the one with the fields that this answer was asked for.
      return newest.version > value.version ? newest : value;
    }
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, this.#withNewest(each)]),
    );
  }
}

/** A transition has a version, too, but no id. */
function isLife(value: object): value is Life {
  return 'id' in value && 'version' in value;
}

/** By default a life is cached as `Gestating:1` and later as `Alive:1`, and lists go on showing the former. */
export function lifeCache(): InMemoryCache {
  return new NewestCache({
    possibleTypes,
    // Must be a function: `keyFields: ['id']` would still put the type before the id.
    typePolicies: {
      Life: { keyFields: ({ id }) => (typeof id === 'string' ? `Life:${id}` : false) },
    },
  });
}

/**
 * @param url of the API: `http://localhost:4000/graphql`
 * @returns the client, and the socket of its subscriptions, which is open while there are any
 */
export function connect(
  url: string,
  cache = lifeCache(),
): { readonly client: ApolloClient; readonly socket: Client } {
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
  return { client, socket };
}

/** As `Lives` has it. */
export async function requestBirth(
  client: ApolloClient,
  id: string,
  idempotencyKey: string,
): Promise<Life | Refusal> {
  const variables = { id, idempotencyKey };
  // Past the cache, which would answer a replay with the newest version, and not with the life as it was.
  const request = { mutation: documents.birth, variables, fetchPolicy: 'no-cache' } as const;
  const send = async () => client.mutate(request);
  const answer = await insist(async () => (await send()).data?.birth, errorsOf, responseOf);
  const life = 'life' in answer ? answer.life : answer;
  if (isLife(life)) {
    const { cache } = client;
    cache.writeFragment({
      id: cache.identify({ ...life }),
      fragment: documents.fields,
      data: life,
    });
  }
  return answer;
}

/** As `Lives` has it. The cache is told of each life before `onTransition` is. */
export async function followTransitions(
  client: ApolloClient,
  after: string,
  onTransition: (transition: Transition) => void,
  signal: AbortSignal,
): Promise<void> {
  await follow(after, onTransition, signal, (cursor, subscriber) => {
    const results = client
      .subscribe({
        query: documents.transitions,
        variables: { after: cursor },
        // A second follower that shared the subscription of the first would miss what that one was told already.
        context: { queryDeduplication: false },
      })
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
}

/** @param url of the API: `http://localhost:4000/graphql` */
export function apolloLives(url: string, cache?: InMemoryCache): Lives {
  const { client, socket } = connect(url, cache);

  return {
    watchLives({ show, fail }) {
      const results = client
        .watchQuery({ query: documents.lives })
        .subscribe(({ data, dataState, error }) => {
          if (dataState === 'complete') show(data.lives.nodes);
          else if (error) fail(error);
        });
      return () => {
        results.unsubscribe();
      };
    },

    watchLife(id, { show, fail }) {
      const results = client
        .watchQuery({ query: documents.life, variables: { id } })
        .subscribe(({ data, dataState, error }) => {
          if (dataState === 'complete') show(data.life);
          else if (error) fail(error);
        });
      return () => {
        results.unsubscribe();
      };
    },

    async birth(id, idempotencyKey = crypto.randomUUID()) {
      return requestBirth(client, id, idempotencyKey);
    },

    async follow(after, onTransition, signal) {
      await followTransitions(client, after, onTransition, signal);
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

export function errorsOf(thrown: unknown): Errors {
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

export function responseOf(thrown: unknown): Response | undefined {
  return ServerError.is(thrown) ? thrown.response : undefined;
}
