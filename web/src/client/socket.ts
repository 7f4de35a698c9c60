/** Subscriptions over one WebSocket, each as something to iterate over. Never retries: see follow.ts. */
import type { TypedDocumentNode } from '@apollo/client';
import { type GraphQLFormattedError, print } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import { SubscriptionRefused } from './failures';

/** How often the server is asked whether it is there, and how long it may take to say so; in milliseconds. */
const PING = 10_000;
const PONG = 5_000;

export class Socket {
  readonly #client: Client;
  /** The last that the server has acknowledged; it may be closed by now. */
  #connected: WebSocket | undefined;
  #heardAt: number | undefined;

  constructor(token: string | null) {
    let silence: ReturnType<typeof setTimeout> | undefined;
    this.#client = createClient({
      url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
      connectionParams: token === null ? {} : { Authorization: `Bearer ${token}` },
      retryAttempts: 0,
      keepAlive: PING,
      on: {
        connected: (socket) => {
          // As the library opens it: it types its sockets for every implementation there is.
          this.#connected = socket as WebSocket;
        },
        message: () => {
          this.#heardAt = Date.now();
        },
        // A connection that was lost without a word looks as if nothing happened.
        ping: (received) => {
          if (received) return;
          silence = setTimeout(() => {
            // To close it is to wait for an answer of the peer that does not answer.
            this.#client.terminate();
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

  /** When the server last said anything, as of Date.now(); undefined: never. */
  get heardAt(): number | undefined {
    return this.#heardAt;
  }

  /**
   * @param whenSent is called once it is subscribed on a socket that is open; it may still be refused
   * @throws SubscriptionRefused, or the event by which the socket was closed
   */
  async *subscribe<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
    signal: AbortSignal,
    whenSent: () => void = () => undefined,
  ): AsyncGenerator<Data> {
    const isConnected = this.#connected?.readyState === WebSocket.OPEN;
    const results = this.#client.iterate<Data>({ query: print(document), variables });
    const forget = this.#client.on('connected', whenSent);
    if (isConnected) whenSent();
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
      forget();
      signal.removeEventListener('abort', stop);
    }
  }

  close(): void {
    void this.#client.dispose();
  }
}
