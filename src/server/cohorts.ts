/**
 * Has requests go through GraphQL in cohorts: those that arrive in one turn of the event loop are executed one
 * right after another, and so are answers written that become ready in one turn. The code of a stage is then
 * still in the processor's caches for the second request, and the kernel wakes whoever reads the answers
 * once, where it would else put them to sleep between any two. (Larus and Parkes, "Using Cohort Scheduling to
 * Enhance Server Performance", 2002.) Nobody waits for a timer: a request that comes alone goes at once.
 *
 * The store's lanes make cohorts of their own.
 */
import type { RouteShorthandOptions } from 'fastify';

/** The hooks of a route whose requests go in cohorts. */
export const inCohorts = {
  preHandler: (_request, _reply, done) => {
    setImmediate(done);
  },
  onSend: (_request, _reply, payload, done) => {
    setImmediate(done, null, payload);
  },
} as const satisfies RouteShorthandOptions;
