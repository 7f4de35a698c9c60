/**
 * What a token opens, in two steps: the line to the server, by which the machine is asked for, and, of the machine,
 * the client with its cache and the feed. The only place that wires them.
 */
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { ErrorLink } from '@apollo/client/link/error';
import { createContext, useContext, useSyncExternalStore } from 'react';
import { LifeCache } from './client/cache';
import { isUnauthorized } from './client/failures';
import { retryLink } from './client/retry';
import { Socket } from './client/socket';
import { Feed, type FeedState } from './feed/Feed';
import { type Documents, documentsOf } from './machine/documents';
import type { Machine } from './machine/machine';

export interface Line {
  /** Is asked for the machine alone, and keeps it when all else that is cached must be forgotten. */
  readonly asker: ApolloClient;
  readonly socket: Socket;
  /** Looks whether an error means that another token is needed. */
  readonly refuse: (error: unknown) => void;
  close(): void;
}

export interface Session {
  readonly documents: Documents;
  readonly client: ApolloClient;
  readonly cache: LifeCache;
  readonly socket: Socket;
  readonly feed: Feed;
  /** From then on, views may ask: see Feed.run. */
  readonly ready: Promise<void>;
  close(): void;
}

/** @param refused is called when the server lets no client in without another token */
export function openLine(token: string | null, refused: () => void): Line {
  let isClosed = false;
  const refuse = (error: unknown): void => {
    if (isUnauthorized(error) && !isClosed) refused();
  };
  const link = ApolloLink.from([
    new ErrorLink(({ error }) => {
      refuse(error);
    }),
    retryLink(),
    new HttpLink({
      uri: '/graphql',
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
    }),
  ]);
  const asker = new ApolloClient({ cache: new InMemoryCache(), link });
  const socket = new Socket(token);
  return {
    asker,
    socket,
    refuse,
    close: () => {
      isClosed = true;
      socket.close();
      asker.stop();
    },
  };
}

export function openSession({ asker, socket, refuse }: Line, machine: Machine): Session {
  const closing = new AbortController();
  const documents = documentsOf(machine);
  const cache = new LifeCache(documents.facts);
  const client = new ApolloClient({ cache, link: asker.link });
  const feed = new Feed({ client, cache, socket, documents }, machine.states);
  const ready = new Promise<void>((resolve) => {
    void feed.run(closing.signal, resolve).then(() => {
      const { connection } = feed.state;
      if (connection.state === 'refused') refuse(connection.error);
    });
  });
  return {
    documents,
    client,
    cache,
    socket,
    feed,
    ready,
    close: () => {
      closing.abort();
      client.stop();
    },
  };
}

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error('There is no session around this.');
  return session;
}

export function useFeed(): FeedState {
  const { feed } = useSession();
  return useSyncExternalStore(feed.subscribe, () => feed.state);
}
