/** Subscribers over either transport, by the protocols' own clients. They do not reconnect. */
import { createClient as createEventStreamClient } from 'graphql-sse';
import { createClient as createWebSocketClient } from 'graphql-ws';
import WebSocket from 'ws';

export const TRANSPORTS = ['WebSocket', 'server-sent events'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** How a subscription came to its end. */
export type Ending =
  | { readonly by: 'completion' }
  /** What the sink received: GraphQL errors, an HTTP response, a socket's close. */
  | { readonly by: 'error'; readonly error: unknown };

export interface Subscriber {
  /** The results so far. */
  // As in `ask`.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly results: readonly { readonly data?: any; readonly errors?: readonly any[] }[];
  readonly ended: Promise<Ending>;
  /** Waits until so many results have come, or the subscription has ended. */
  untilReceived(number: number): Promise<void>;
  /** Stops reading from its socket, and reads again; WebSocket only. */
  readonly socket: () => WebSocket;
  /** Unsubscribes, and closes its connection. */
  stop(): Promise<void>;
}

/**
 * @param server with a `url`, without a path
 * @param onResult called with each result, as it comes
 * @param token sent where the transport expects it; undefined: no token
 */
export function subscribe(
  server: { readonly url: string },
  transport: Transport,
  query: string,
  variables: Record<string, unknown> = {},
  onResult: (result: Subscriber['results'][number]) => void = () => undefined,
  token?: string,
): Subscriber {
  const results: Subscriber['results'][number][] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const callback of waiting) callback();
  };
  let end: (ending: Ending) => void;
  let over = false;
  const ended = new Promise<Ending>((resolve) => {
    end = (ending) => {
      over = true;
      resolve(ending);
      wake();
    };
  });
  const sink = {
    next: (result: object) => {
      results.push(result);
      onResult(result);
      wake();
    },
    error: (error: unknown) => {
      end({ by: 'error', error });
    },
    complete: () => {
      end({ by: 'completion' });
    },
  };

  let socket: WebSocket | undefined;
  const url = `${server.url}/graphql`;
  const credentials = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const client =
    transport === 'WebSocket'
      ? createWebSocketClient({
          url: url.replace('http', 'ws'),
          webSocketImpl: WebSocket,
          connectionParams: credentials,
          retryAttempts: 0,
          // Stays open until the test stops it, so that a test sees a close by the server.
          lazy: false,
          onNonLazyError: () => undefined,
          on: {
            opened: (opened) => {
              // Of the implementation given above.
              socket = opened as WebSocket;
            },
          },
        })
      : createEventStreamClient({ url, headers: credentials, retryAttempts: 0 });
  const unsubscribe = client.subscribe({ query, variables }, sink);
  return {
    results,
    ended,
    untilReceived: async (number) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (results.length < number && !over) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    socket: () => {
      if (socket === undefined) throw new Error('It has no socket yet.');
      return socket;
    },
    stop: async () => {
      unsubscribe();
      await client.dispose();
    },
  };
}
