/** The routes that orchestrators and load balancers probe. Neither asks the database anything. */
import type { FastifyInstance } from 'fastify';

/** @param isReady whether to send requests here; asked with each probe */
export function healthRoutes(server: FastifyInstance, isReady: () => boolean): void {
  server.get('/healthz', () => ({ status: 'alive' }));
  server.get('/readyz', (_request, reply) =>
    isReady() ? { status: 'ready' } : reply.code(503).send({ status: 'not ready' }),
  );
}
