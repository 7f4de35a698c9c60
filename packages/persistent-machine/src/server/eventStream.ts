/**
 * Subscriptions as server-sent events: the distinct connections mode of the protocol "GraphQL over Server-Sent
 * Events". Does not know the documents.
 *
 * Replaces graphql-sse's own handler, which buffers without a bound for a slow client. This one asks for a result
 * when the client has room for it (backpressure).
 */
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestAsyncHookHandler,
  onRequestHookHandler,
} from 'fastify';
import { Overloaded } from '../database/failures';
import { onceExpired } from './authentication';
import type { Connections } from './connections';
import { codeOf } from './errors';
import { type Errors, eventsOf, streamOf } from './eventWriter';
import type { RequestContext } from './graphql';
import type { Observation } from './observation';
import { EVENT_STREAM } from './representation';
import type { Results } from './sharedExecution';
import type { Subscriptions } from './subscriptions';

/** How long a client may read nothing, in milliseconds. */
const LONGEST_STALL = 120_000;

/** The status by code of a stream that is refused as a whole. All other errors are sent in the stream. */
const STATUS: Readonly<Record<string, number>> = {
  BAD_REQUEST: 400,
  BAD_USER_INPUT: 400,
  GRAPHQL_PARSE_FAILED: 400,
  GRAPHQL_VALIDATION_FAILED: 400,
  OPERATION_RESOLUTION_FAILURE: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  OVERLOADED: 503,
  DATABASE_UNAVAILABLE: 503,
};

export interface EventStreamSettings {
  readonly subscriptions: Subscriptions;
  readonly contextOf: (observation: Observation) => RequestContext;
  /** Refuses a request if the server is full, or the database is down. */
  readonly admit: onRequestHookHandler;
  /** Checks the client's token; undefined if none is needed. */
  readonly authenticate: onRequestAsyncHookHandler | undefined;
  /** Watches connections while they carry no stream. */
  readonly connections: Connections;
}

/** @param server on which `negotiateRepresentation` was called */
export function eventStreams(server: FastifyInstance, settings: EventStreamSettings): void {
  const { admit, authenticate } = settings;
  const streams = new EventStreams(settings);
  for (const method of ['GET', 'POST'] as const) {
    server.route({
      method,
      url: '/graphql',
      constraints: { representation: EVENT_STREAM },
      // A HEAD request would begin a subscription.
      exposeHeadRoute: false,
      onRequest: authenticate ? [admit, authenticate] : admit,
      handler: async (request, reply) => streams.begin(request, reply),
    });
  }
  server.addHook('preClose', (done) => {
    streams.breakOff();
    done();
  });
}

class EventStreams {
  readonly #settings: EventStreamSettings;
  readonly #open = new Set<Readable>();
  #closing = false;

  constructor(settings: EventStreamSettings) {
    this.#settings = settings;
  }

  async begin(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { subscriptions, contextOf } = this.#settings;
    const context = contextOf(request.observation);
    const granted = request.caller?.scopes ?? null;
    const accepted = subscriptions.accept(parametersOf(request), context, granted);
    if (!('document' in accepted)) {
      return refuse(reply, subscriptions.formatErrors(accepted, context));
    }
    const begun = await subscriptions.begin(accepted);
    if ('errors' in begun) {
      const errors = subscriptions.formatErrors(begun.errors, context);
      const code = codeOf(errors);
      if (STATUS[code] !== undefined) return refuse(reply, errors);
      subscriptions.refused(context.observation, code);
      return reply.type(EVENT_STREAM).send(eventsOf(errors));
    }
    const { socket } = request.raw;
    if (socket.destroyed || socket.readableEnded) {
      // The client left while its subscription began, before anything listened for that.
      await begun.return?.();
      socket.destroy();
      return reply.hijack();
    }
    if (this.#closing) {
      await begun.return?.();
      return refuse(reply, subscriptions.formatErrors([new Overloaded('Stopping.')], context));
    }
    return reply
      .type(`${EVENT_STREAM}; charset=utf-8`)
      .header('cache-control', 'no-cache')
      .header('x-accel-buffering', 'no')
      .send(this.#carry(begun, request, socket));
  }

  /** Breaks off all streams without completing them: a client takes that for a lost connection, and reconnects. */
  breakOff(): void {
    this.#closing = true;
    for (const stream of this.#open) stream.destroy();
  }

  #carry(results: Results, { observation, caller }: FastifyRequest, socket: Socket): Readable {
    const { subscriptions, connections } = this.#settings;
    const stream = streamOf(
      results,
      (result) => subscriptions.formatResult(result, observation),
      (error) => subscriptions.formatErrors([error], observation),
    );
    this.#open.add(stream);
    // Breaks the stream off, as at shutdown, because the subscription is not complete.
    const stopWaiting = caller && onceExpired(caller, () => stream.destroy());
    const giveUp = (): void => {
      socket.destroy();
    };
    connections.release(socket);
    socket.setTimeout(LONGEST_STALL, giveUp);
    // A client that closes its side has left. Without this, only the next pulse would show it.
    socket.once('end', giveUp);
    stream.once('close', () => {
      this.#open.delete(stream);
      stopWaiting?.();
      // The client may send further requests on this connection.
      socket.setTimeout(0).off('timeout', giveUp).off('end', giveUp);
      connections.watch(socket);
    });
    return stream;
  }
}

function refuse(reply: FastifyReply, errors: Errors): FastifyReply {
  const status = STATUS[codeOf(errors)] ?? 400;
  return reply
    .code(status)
    .headers(status === 503 ? { 'retry-after': 1 } : {})
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ errors }));
}

/** @returns the parameters of a GraphQL request, from its body or its query string */
export function parametersOf({ method, query, body }: FastifyRequest): unknown {
  if (method === 'POST') return body;
  // Fastify parses every query string to an object.
  const { variables, ...rest } = query as Readonly<Record<string, unknown>>;
  if (typeof variables !== 'string') return rest;
  try {
    return { ...rest, variables: JSON.parse(variables) as unknown };
  } catch {
    return { ...rest, variables };
  }
}
