/** Asks a question, again and again until the server answers, and says meanwhile what is in the way. */
import type { ApolloClient, OperationVariables, TypedDocumentNode } from '@apollo/client';
import { useQuery } from '@apollo/client/react';
import { useCallback, useRef, useState } from 'react';
import { delay, filter, firstValueFrom } from 'rxjs';
import type { Resend } from './retry';

export interface Asked<Data> {
  /** The answer, or what the cache has of it. */
  readonly data: Data | undefined;
  /** The answer to the question before this one. */
  readonly previousData: Data | undefined;
  /** Why there is no answer yet; the question is being sent again. */
  readonly trouble: unknown;
  /** Why there is none, and will be none without `again`. */
  readonly error: unknown;
  /** Asks anew, once, when the question that is on its way is answered. The same function each time. */
  readonly again: () => Promise<unknown>;
}

/** @param client left out: the one around this */
export function useAsked<Data, Variables extends OperationVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  client?: ApolloClient,
): Asked<Data> {
  const [trouble, setTrouble] = useState<unknown>();
  const resend: Resend = { tell: setTrouble };
  const { data, previousData, error, observable, refetch } = useQuery(query, {
    variables,
    fetchPolicy: 'cache-and-network',
    context: { resend },
    ...(client && { client }),
  });
  const waiting = useRef<Promise<unknown>>(undefined);
  const again = useCallback(() => {
    const ask = async (): Promise<unknown> => {
      try {
        // Two at once would share the answer to the first, which may be older than the reason for the second. The first
        // has ended in the turn after its answer.
        const isAnswered = filter(({ loading }: { readonly loading: boolean }) => !loading);
        await firstValueFrom(observable.pipe(isAnswered, delay(0)));
      } finally {
        waiting.current = undefined;
      }
      return refetch();
    };
    return (waiting.current ??= ask());
  }, [observable, refetch]);
  return { data, previousData, trouble, error, again };
}
