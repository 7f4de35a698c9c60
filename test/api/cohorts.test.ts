/** Requests that wait for their turn: each gets it, in order, and the rest of the process runs in between. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Cohorts } from 'persistent-machine/server/cohorts';

const LIMIT = 40;

/** A cohort does not look at the request and the reply. It only calls `done`. */
const request = {} as FastifyRequest;
const reply = {} as FastifyReply;

async function aTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

test('requests proceed in small cohorts, in the order of their arrival', async () => {
  const cohorts = new Cohorts(LIMIT);
  const gone: number[] = [];
  const ask = (number: number): void => {
    // Fastify calls the hook as a plain function, without `this`.
    cohorts.preHandler.call(undefined as never, request, reply, () => gone.push(number));
  };
  for (let number = 0; number < LIMIT; number += 1) ask(number);
  expect(cohorts.isFull).toBe(true);
  expect(gone).toEqual([]);

  let turns = 0;
  let before = 0;
  while (gone.length < LIMIT) {
    await aTurn();
    turns += 1;
    expect(gone.length).toBeGreaterThan(before);
    expect(gone.length - before).toBeLessThanOrEqual(16);
    before = gone.length;
  }
  expect(turns).toBeGreaterThan(1);
  expect(gone).toEqual(Array.from({ length: LIMIT }, (_, number) => number));
  expect(cohorts.isFull).toBe(false);

  // A later request that comes alone proceeds at once.
  ask(LIMIT);
  await aTurn();
  expect(gone.at(-1)).toBe(LIMIT);
});

test('the age is that of the oldest waiting request', async () => {
  const cohorts = new Cohorts(LIMIT);
  expect(cohorts.age).toBe(0);
  const ask = (): void => {
    cohorts.preHandler.call(undefined as never, request, reply, () => undefined);
  };
  ask();
  const since = performance.now();
  while (performance.now() - since < 5);
  ask();
  expect(cohorts.age).toBeGreaterThanOrEqual(5);
  while (cohorts.length > 0) await aTurn();
  expect(cohorts.age).toBe(0);
});

test('each request of a cohort keeps its own asynchronous context', async () => {
  const cohorts = new Cohorts(LIMIT);
  const context = new AsyncLocalStorage<number>();
  const found: (number | undefined)[] = [];
  const numbers = Array.from({ length: LIMIT }, (_, number) => number);
  for (const number of numbers) {
    context.run(number, () => {
      cohorts.preHandler.call(undefined as never, request, reply, () =>
        found.push(context.getStore()),
      );
    });
  }
  while (cohorts.isFull || found.length < LIMIT) await aTurn();
  expect(found).toEqual(numbers);
});
