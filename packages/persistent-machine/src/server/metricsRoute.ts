/**
 * The route that Prometheus reads. However many scrapes there are, one exposition is made at a time, so that they take
 * one connection from the pool and the work of one. Does not know what is measured.
 */
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify';
import { Overloaded } from '../database/failures';
import type { Metrics } from '../metrics';
import { tellFailure } from './errors';

/** The most scrapes that wait. A Prometheus sends one in several seconds, a row of them a few. */
const MOST_SCRAPES = 1_000;

/**
 * @param authenticate finds out who asks; undefined: whoever asks may
 * @param mostScrapes that wait at the same time; more are refused
 */
export function metricsRoute(
  server: FastifyInstance,
  metrics: Pick<Metrics, 'contentType' | 'expose'>,
  authenticate: onRequestAsyncHookHandler | undefined,
  mostScrapes = MOST_SCRAPES,
): void {
  const expose = oneAtATime(() => metrics.expose());
  let waiting = 0;
  server.get(
    '/metrics',
    authenticate ? { onRequest: authenticate } : {},
    async (_request, reply) => {
      if (waiting >= mostScrapes) {
        const { code, message } = tellFailure(new Overloaded('Too many scrapes wait already.'));
        const errors = [{ message, extensions: { code } }];
        return reply.code(503).header('retry-after', 1).send({ errors });
      }
      waiting += 1;
      try {
        return await reply.type(metrics.contentType).send(await expose());
      } finally {
        waiting -= 1;
      }
    },
  );
}

/**
 * All who ask while one is being made share the next, which begins when that one is done: so each sees at least what
 * had been counted when it asked.
 */
function oneAtATime<Result>(make: () => Promise<Result>): () => Promise<Result> {
  let current: Promise<Result> | undefined;
  let next: Promise<Result> | undefined;
  const begin = (): Promise<Result> => {
    next = undefined;
    current = make().finally(() => {
      current = undefined;
    });
    return current;
  };
  return async () => {
    if (current === undefined) return begin();
    next ??= current.then(begin, begin);
    return next;
  };
}
