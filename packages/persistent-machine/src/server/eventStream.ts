/**
 * Subscriptions as server-sent events: the distinct connections mode of the protocol "GraphQL over
 * Server-Sent Events". Does not know what is subscribed to.
 *
 * graphql-sse's own handler takes results as fast as they come and keeps what the client has not read, without
 * a bound; here a result is taken when the client has room for it.
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

/** How long a client may take nothing of what is sent, in milliseconds. */
const LONGEST_STALL = 120_000;

/** What refuses a stream as a whole, and with which status; anything else is told in the stream. */
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
  /** Refuses a request for which there is no room. */
  readonly admit: onRequestHookHandler;
  /** Finds out who asks; undefined: any client may. */
  readonly authenticate: onRequestAsyncHookHandler | undefined;
  /** Looks after connections that carry no stream. */
  readonly connections: Connections;
}

/** @param server one that negotiates representations */
export function eventStreams(server: FastifyInstance, settings: EventStreamSettings): void {
  const { admit, authenticate } = settings;
  const streams = new EventStreams(settings);
  for (const method of ['GET', 'POST'] as const) {
    server.route({
      method,
      url: '/graphql',
      constraints: { representation: EVENT_STREAM },
      // It would subscribe, and then have nothing to say.
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
      return refuse(reply, subscriptions.tellErrors(accepted, context));
    }
    const begun = await subscriptions.begin(accepted);
    if ('errors' in begun) {
      const errors = subscriptions.tellErrors(begun.errors, context);
      const code = codeOf(errors);
      if (STATUS[code] !== undefined) return refuse(reply, errors);
      subscriptions.refused(context.observation, code);
      return reply.type(EVENT_STREAM).send(eventsOf(errors));
    }
    const { socket } = request.raw;
    if (socket.destroyed || socket.readableEnded) {
      // It left while its subscription began, before there was anything to notice it.
      await begun.return?.();
      socket.destroy();
      return reply.hijack();
    }
    if (this.#closing) {
      await begun.return?.();
      return refuse(reply, subscriptions.tellErrors([new Overloaded('Stopping.')], context));
    }
    return reply
      .type(`${EVENT_STREAM}; charset=utf-8`)
      .header('cache-control', 'no-cache')
      .header('x-accel-buffering', 'no')
      .send(this.#carry(begun, request, socket));
  }

  /** Breaks all off, and completes none: a client takes that for a lost connection, and comes back to another instance. */
  breakOff(): void {
    this.#closing = true;
    for (const stream of this.#open) stream.destroy();
  }

  #carry(results: Results, { observation, caller }: FastifyRequest, socket: Socket): Readable {
    const { subscriptions, connections } = this.#settings;
    const stream = streamOf(
      results,
      (result) => subscriptions.tell(result, observation),
      (error) => subscriptions.tellErrors([error], observation),
    );
    this.#open.add(stream);
    // Broken off, as at shutdown: it has not come to its end.
    const stopWaiting = caller && onceExpired(caller, () => stream.destroy());
    const giveUp = (): void => {
      socket.destroy();
    };
    connections.release(socket);
    socket.setTimeout(LONGEST_STALL, giveUp);
    // A client that closes its side has left: nothing would notice it until the next pulse.
    socket.once('end', giveUp);
    stream.once('close', () => {
      this.#open.delete(stream);
      stopWaiting?.();
      // Others may be asked for on the same connection.
      socket.setTimeout(0).off('timeout', giveUp).off('end', giveUp);
      connections.lookAfter(socket);
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

/** What a client asks, however it is sent. */
export function parametersOf({ method, query, body }: FastifyRequest): unknown {
  if (method === 'POST') return body;
  // Fastify's parser makes an object of any query.
  const { variables, ...rest } = query as Readonly<Record<string, unknown>>;
  if (typeof variables !== 'string') return rest;
  try {
    return { ...rest, variables: JSON.parse(variables) as unknown };
  } catch {
    return { ...rest, variables };
  }
}
