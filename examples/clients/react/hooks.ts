/** The API as hooks of React: a list, one life, a birth, and the feed that keeps both up to date. Knows no markup. */
import type { ApolloClient, ErrorLike, TypedDocumentNode } from '@apollo/client';
import { useApolloClient, useQuery } from '@apollo/client/react';
import { startTransition, useActionState, useEffect, useState } from 'react';
import { documents, errorsOf, followTransitions, requestBirth, responseOf } from '../apollo';
import type { Life, Refusal, Transition } from '../lives';
import { type Errors, insist } from '../resilience';

/** @returns the newest lives; undefined while they are loaded */
export function useLives(): {
  readonly lives: readonly Life[] | undefined;
  readonly error: ErrorLike | undefined;
} {
  const { data, error } = useQuery(documents.lives);
  return { lives: data?.lives.nodes, error };
}

/** @returns the life, or null where there is none; undefined while it is loaded */
export function useLife(id: string): {
  readonly life: Life | null | undefined;
  readonly error: ErrorLike | undefined;
} {
  const { data, error } = useQuery(documents.life, { variables: { id } });
  return { life: data?.life, error };
}

/** How the last birth went. */
interface BirthState {
  /** The life as it was right after its birth, or why it was not born. */
  readonly answer?: Life | Refusal;
  /** Why there is no answer, after all attempts. */
  readonly error?: unknown;
}

/**
 * Not `useMutation`: it would show each failed attempt, where `isPending` lasts until the API has answered.
 *
 * @returns `birth`, to be called when a button is pressed, and how that went
 */
export function useBirth(): BirthState & {
  readonly birth: (id: string) => void;
  readonly isPending: boolean;
} {
  const client = useApolloClient();
  const [state, act, isPending] = useActionState(
    async (_previous: BirthState, [id, idempotencyKey]: [string, string]): Promise<BirthState> => {
      try {
        return { answer: await requestBirth(client, id, idempotencyKey) };
      } catch (error) {
        return { error };
      }
    },
    {},
  );
  return {
    ...state,
    isPending,
    birth: (id) => {
      // One press of the button is one birth, however often it must be sent.
      const idempotencyKey = crypto.randomUUID();
      startTransition(() => {
        act([id, idempotencyKey]);
      });
    },
  };
}

/**
 * Follows the feed while the component is mounted. Use it once, and show lives only while `isReady`: what was loaded
 * before the feed's cursor would miss what happened in between.
 *
 * @returns `error` is why the feed cannot be followed any more
 */
export function useFeed(): { readonly isReady: boolean; readonly error?: unknown } {
  const client = useApolloClient();
  const [isReady, setReady] = useState(false);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const unmounted = new AbortController();
    const { signal } = unmounted;
    followFeed(client, setReady, signal).catch((thrown: unknown) => {
      if (!signal.aborted) setError(thrown);
    });
    return () => {
      unmounted.abort();
    };
  }, [client]);
  return { isReady, error };
}

async function followFeed(
  client: ApolloClient,
  setReady: (isReady: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  const load = async <Data>(
    query: TypedDocumentNode<Data, Record<string, never>>,
  ): Promise<Data> => {
    // Sent now: the answer to a request that was on its way may be older than the cursor.
    const context = { queryDeduplication: false };
    const send = async () => client.query({ query, fetchPolicy: 'network-only', context });
    const data = await insist(async () => (await send()).data, errorsOf, responseOf);
    // StrictMode mounts twice, and the first of the two is over by now.
    signal.throwIfAborted();
    return data;
  };
  /** The cache knows each life that the feed tells of, but not that a new one belongs to the list. */
  const addToList = ({ event, life }: Transition): void => {
    if (event !== 'CONCEPTION') return;
    client.cache.updateQuery({ query: documents.lives }, (data) => {
      if (!data || data.lives.nodes.some(({ id }) => id === life.id)) return undefined;
      return { ...data, lives: { ...data.lives, nodes: [life, ...data.lives.nodes] } };
    });
  };
  while (!signal.aborted) {
    const { census } = await load(documents.census);
    // Before the feed, which adds to it.
    await load(documents.lives);
    setReady(true);
    try {
      await followTransitions(client, census.cursor, addToList, signal);
    } catch (thrown) {
      if (!isRewound(thrown)) throw thrown;
      // The database was set back: what is shown may not exist any more.
      setReady(false);
      await client.clearStore();
    }
  }
}

function isRewound(thrown: unknown): boolean {
  // Of `follow`.
  return (
    thrown instanceof AggregateError &&
    (thrown.errors as Errors).some(({ extensions }) => extensions?.code === 'FEED_REWOUND')
  );
}
