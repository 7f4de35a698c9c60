/**
 * Subscriptions as server-sent events: the distinct connections mode of the protocol "GraphQL over
 * Server-Sent Events". Does not know what is subscribed to.
 *
 * graphql-sse's own handler takes results as fast as they come and keeps what the client has not read, without
 * a bound; here a result is taken when the client has room for it.
 */
import { Readable } from 'node:stream';
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestAsyncHookHandler,
  onRequestHookHandler,
} from 'fastify';
import type { ExecutionResult, FormattedExecutionResult } from 'graphql';
import { print } from 'graphql-sse';
import { Overloaded } from '../database/failures';
import { onceExpired, scopeRefusal } from './authentication';
import type { Connections } from './connections';
import { codeOf } from './errors';
import type { RequestContext } from './graphql';
import type { Observation } from './observation';
import type { Results, Subscriptions } from './subscriptions';

/** How often an idle stream shows that it is there, in milliseconds; shorter than proxies wait. */
const PULSE = 12_000;

/** How long a client may take nothing of what is sent, in milliseconds. */
const LONGEST_STALL = 120_000;

export const EVENT_STREAM = 'text/event-stream';

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

type Errors = NonNullable<FormattedExecutionResult['errors']>;

/**
 * @param server one that negotiates representations
 * @param admit refuses a request for which there is no room
 * @param authenticate finds out who asks; undefined: whoever asks may
 * @param connections looks after connections that carry no stream
 */
export function eventStreams(
  server: FastifyInstance,
  subscriptions: Subscriptions,
  contextOf: (observation: Observation) => RequestContext,
  admit: onRequestHookHandler,
  authenticate: onRequestAsyncHookHandler | undefined,
  connections: Connections,
): void {
  const streams = new Set<Readable>();
  let closing = false;

  const refuse = (reply: FastifyReply, errors: Errors, status: number): FastifyReply =>
    reply
      .code(status)
      .headers(status === 503 ? { 'retry-after': 1 } : {})
      .type('application/json; charset=utf-8')
      .send(JSON.stringify({ errors }));

  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const context = contextOf(request.observation);
    const { caller } = request;
    const refused = authenticate && scopeRefusal('subscription', caller?.scopes ?? null);
    if (refused) return refuse(reply, subscriptions.tellErrors([refused], context), 403);
    const accepted = subscriptions.accept(parametersOf(request), context);
    if (!('document' in accepted)) {
      return refuse(reply, subscriptions.tellErrors(accepted, context), 400);
    }
    const begun = await subscriptions.begin(accepted);
    if ('errors' in begun) {
      const errors = subscriptions.tellErrors(begun.errors, context);
      const code = codeOf(errors);
      const status = STATUS[code];
      if (status !== undefined) return refuse(reply, errors, status);
      subscriptions.refused(context.observation, code);
      return reply.type(EVENT_STREAM).send(next({ errors }) + COMPLETE);
    }
    const { socket } = request.raw;
    if (socket.destroyed || socket.readableEnded) {
      // It left while its subscription began, before there was anything to notice it.
      await begun.return?.();
      socket.destroy();
      return reply.hijack();
    }
    if (closing) {
      await begun.return?.();
      return refuse(reply, subscriptions.tellErrors([new Overloaded('Stopping.')], context), 503);
    }
    const stream = streamOf(
      begun,
      (result) => subscriptions.tell(result, context),
      (error) => subscriptions.tellErrors([error], context),
    );
    streams.add(stream);
    // Broken off, as at shutdown: it has not come to its end.
    const stopWaiting = caller && onceExpired(caller, () => stream.destroy());
    const giveUp = (): void => {
      socket.destroy();
    };
    connections.release(socket);
    socket.setTimeout(LONGEST_STALL, giveUp);
    // Whoever closes their side has left: there would be nobody to notice until the next pulse.
    socket.once('end', giveUp);
    stream.once('close', () => {
      streams.delete(stream);
      stopWaiting?.();
      // Others may be asked for on the same connection.
      socket.setTimeout(0).off('timeout', giveUp).off('end', giveUp);
      connections.lookAfter(socket);
    });
    return reply
      .type(`${EVENT_STREAM}; charset=utf-8`)
      .header('cache-control', 'no-cache')
      .header('x-accel-buffering', 'no')
      .send(stream);
  };
  for (const method of ['GET', 'POST'] as const) {
    server.route({
      method,
      url: '/graphql',
      constraints: { representation: EVENT_STREAM },
      // It would subscribe, and then have nothing to say.
      exposeHeadRoute: false,
      onRequest: authenticate ? [admit, authenticate] : admit,
      handler,
    });
  }

  // Broken off, not completed: a client takes that for a lost connection, and comes back to another instance.
  server.addHook('preClose', (done) => {
    closing = true;
    for (const stream of streams) stream.destroy();
    done();
  });
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

const COMPLETE = print({ event: 'complete', data: null });

function next(result: FormattedExecutionResult): string {
  // graphql-sse types an error as graphql-js makes it; what leaves us is that, formatted.
  return print({ event: 'next', data: result as never });
}

function streamOf(
  results: Results,
  tell: (result: ExecutionResult) => FormattedExecutionResult,
  tellError: (error: unknown) => Errors,
): Readable {
  let asking = false;
  const ask = async (stream: Readable): Promise<void> => {
    try {
      const result = await results.next();
      // Broken off, it must not look as if it had come to its end.
      if (stream.destroyed) return;
      asking = false;
      if (result.done !== true) {
        stream.push(next(tell(result.value)));
        return;
      }
      stream.push(COMPLETE);
    } catch (error) {
      if (stream.destroyed) return;
      stream.push(next({ errors: tellError(error) }));
      stream.push(COMPLETE);
    }
    clearInterval(pulse);
    stream.push(null);
  };
  const stream = new Readable({
    read() {
      // A pulse asks again, too.
      if (asking) return;
      asking = true;
      void ask(this);
    },
    destroy(error, callback) {
      clearInterval(pulse);
      results.return?.().then(
        () => {
          callback(error);
        },
        () => {
          callback(error);
        },
      );
    },
  });
  // The first one has the headers sent; some browsers wait for a byte.
  stream.push(':\n\n');
  const pulse = setInterval(() => {
    if (stream.readableLength === 0) stream.push(':\n\n');
  }, PULSE);
  return stream;
}
