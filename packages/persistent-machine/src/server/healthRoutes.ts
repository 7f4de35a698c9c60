/** The routes that orchestrators and load balancers probe. Neither queries the database. */
import type { FastifyInstance } from 'fastify';

/** @param isReady whether load balancers should send requests here; called for each probe */
export function healthRoutes(server: FastifyInstance, isReady: () => boolean): void {
  server.get('/healthz', () => ({ status: 'alive' }));
  server.get('/readyz', (_request, reply) =>
    isReady() ? { status: 'ready' } : reply.code(503).send({ status: 'not ready' }),
  );
}
