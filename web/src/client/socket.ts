/** Subscriptions over one WebSocket, each as something to iterate over. Never retries: see follow.ts. */
import type { TypedDocumentNode } from '@apollo/client';
import { type GraphQLFormattedError, print } from 'graphql';
import { type Client, CloseCode, createClient } from 'graphql-ws';
import { SubscriptionRefused } from './failures';

/** How often the server is asked whether it is there, and how long it may take to say so; in milliseconds. */
const PING = 10_000;
const PONG = 5_000;

export class Socket {
  readonly #client: Client;

  constructor(token: string | null, whenConnected: () => void) {
    let silence: ReturnType<typeof setTimeout> | undefined;
    let opened: unknown;
    this.#client = createClient({
      url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
      connectionParams: token === null ? {} : { Authorization: `Bearer ${token}` },
      retryAttempts: 0,
      keepAlive: PING,
      on: {
        opened: (socket) => {
          opened = socket;
        },
        connected: whenConnected,
        // A connection that was lost without a word looks as if nothing happened.
        ping: (received) => {
          if (received) return;
          silence = setTimeout(() => {
            if (opened instanceof WebSocket)
              opened.close(CloseCode.ConnectionInitialisationTimeout);
          }, PONG);
        },
        pong: () => {
          clearTimeout(silence);
        },
        closed: () => {
          clearTimeout(silence);
        },
      },
    });
  }

  /**
   * @throws SubscriptionRefused, or the event by which the socket was closed
   */
  async *subscribe<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
    signal: AbortSignal,
  ): AsyncGenerator<Data> {
    const results = this.#client.iterate<Data>({ query: print(document), variables });
    const stop = (): void => void results.return?.(undefined);
    signal.addEventListener('abort', stop);
    try {
      for await (const { data, errors } of results) {
        if (errors) throw new SubscriptionRefused(errors);
        if (data) yield data;
      }
    } catch (error) {
      throw Array.isArray(error)
        ? // The payload of the protocol's message `error`.
          new SubscriptionRefused(error as GraphQLFormattedError[])
        : error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  close(): void {
    void this.#client.dispose();
  }
}
