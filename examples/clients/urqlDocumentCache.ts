/** A recipe for urql with its document cache, which must be told which types a mutation changes. */
import {
  Client,
  CombinedError,
  cacheExchange,
  createRequest,
  fetchExchange,
  subscriptionExchange,
} from '@urql/core';
import { createClient } from 'graphql-ws';
import { onEnd, pipe, subscribe } from 'wonka';
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

/**
 * @param url of the API: `http://localhost:4000/graphql`
 * @param additionalTypenames a mutation that answers one of these types makes urql send the queries again. By default a
 *   birth, which answers an `Alive`, refreshes only queries whose results contain an `Alive`.
 */
export function documentCacheLives(url: string, additionalTypenames = possibleTypes.Life): Lives {
  // No retries: they would resume with the first cursor.
  const socket = createClient({ url: url.replace(/^http/, 'ws'), retryAttempts: 0 });
  const client = new Client({
    url,
    exchanges: [
      cacheExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables = {} }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe(
              { query, variables },
              {
                ...sink,
                error: (error) => {
                  sink.error(refusalIn(error));
                },
              },
            ),
          }),
        }),
      }),
      fetchExchange,
    ],
    // Apollo Server refuses a simple GET without special headers, because a foreign page could send one (CSRF).
    preferGetMethod: false,
  });
  const newest = new Newest();
  let subscriptions = 0;

  return {
    watchLives({ show, fail }) {
      const results = pipe(
        client.query<LivesData>(LIVES, {}, { additionalTypenames }),
        subscribe(({ data, error }) => {
          if (data) show(data.lives.nodes.map((life) => newest.of(life)));
          else if (error) fail(error);
        }),
      );
      return () => {
        results.unsubscribe();
      };
    },

    watchLife(id, { show, fail }) {
      const results = pipe(
        client.query<LifeData>(LIFE, { id }, { additionalTypenames }),
        subscribe(({ data, error }) => {
          if (data) show(data.life && newest.of(data.life));
          else if (error) fail(error);
        }),
      );
      return () => {
        results.unsubscribe();
      };
    },

    async birth(id, idempotencyKey = crypto.randomUUID()) {
      return insist(
        async () => {
          const { data, error } = await client.mutation<BirthData>(BIRTH, { id, idempotencyKey });
          if (error) throw error;
          return data?.birth;
        },
        errorsOf,
        responseOf,
      );
    },

    async follow(after, onTransition, signal) {
      await follow(after, onTransition, signal, (cursor, subscriber) => {
        const request = createRequest<TransitionsData, { after: string }>(TRANSITIONS, {
          after: cursor,
        });
        // A key of its own: with the request's, urql would let it join a subscription that began at the same cursor, and
        // it would miss the transitions that were already delivered.
        const key = (request.key + (subscriptions += 1)) >>> 0;
        const results = pipe(
          client.executeSubscription({ ...request, key }, { additionalTypenames }),
          onEnd(() => {
            subscriber.end([]);
          }),
          subscribe(({ data, error }) => {
            if (error) subscriber.end(errorsOf(error));
            else if (data) subscriber.next(data.transitions);
          }),
        );
        return () => {
          results.unsubscribe();
        };
      });
    },

    async close() {
      await socket.dispose();
    },
  };
}

function errorsOf(thrown: unknown): Errors {
  return thrown instanceof CombinedError ? thrown.graphQLErrors : [];
}

function responseOf(thrown: unknown): Response | undefined {
  // It is the response of `fetch`, which urql types as `any`.
  return thrown instanceof CombinedError ? (thrown.response as Response | undefined) : undefined;
}
