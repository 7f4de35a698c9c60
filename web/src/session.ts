/** What a token opens: the client with its cache, the socket, and the feed. The only place that wires them. */
import { ApolloClient, ApolloLink, HttpLink } from '@apollo/client';
import { ErrorLink } from '@apollo/client/link/error';
import { createContext, useContext, useSyncExternalStore } from 'react';
import { LifeCache } from './client/cache';
import { isUnauthorized } from './client/failures';
import { retryLink } from './client/retry';
import { Socket } from './client/socket';
import { Feed, type FeedState } from './feed/Feed';

export interface Session {
  readonly client: ApolloClient;
  readonly cache: LifeCache;
  readonly socket: Socket;
  readonly feed: Feed;
  close(): void;
}

/** @param refused is told when nobody is let in without another token */
export function openSession(token: string | null, refused: () => void): Session {
  const closing = new AbortController();
  const refuse = (error: unknown): void => {
    if (isUnauthorized(error) && !closing.signal.aborted) refused();
  };
  const cache = new LifeCache();
  const client = new ApolloClient({
    cache,
    link: ApolloLink.from([
      new ErrorLink(({ error }) => {
        refuse(error);
      }),
      retryLink(),
      new HttpLink({
        uri: '/graphql',
        headers: token === null ? {} : { authorization: `Bearer ${token}` },
      }),
    ]),
  });
  const socket = new Socket(token);
  const feed = new Feed(client, cache, socket);
  void feed.run(closing.signal).then(() => {
    const { connection } = feed.state;
    if (connection.state === 'refused') refuse(connection.error);
  });
  return {
    client,
    cache,
    socket,
    feed,
    close: () => {
      closing.abort();
      socket.close();
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
