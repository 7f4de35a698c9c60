/**
 * The route that Prometheus reads. Concurrent scrapes share an exposition, so that together they take one connection
 * from the pool. Does not know what is measured.
 */
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify';
import { Overloaded } from '../database/failures';
import type { Metrics } from '../metrics';
import { describeFailure } from './errors';

/** The most scrapes that wait. A Prometheus sends one every few seconds. */
const MOST_SCRAPES = 1_000;

/**
 * @param authenticate checks the client's token; undefined if none is needed
 * @param mostScrapes how many may wait at the same time; more are refused
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
        const { code, message } = describeFailure(new Overloaded('Too many scrapes are waiting.'));
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
 * Callers that come during one run share the next run, which begins after it. So each caller's result begins after its
 * call, and has everything that was counted by then.
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
