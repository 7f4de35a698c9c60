/** Requests that wait for their turn: all get it, in order, and the rest of the process gets one in between. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Cohorts } from 'persistent-machine/server/cohorts';

const LIMIT = 40;

/** Neither is looked at: a cohort knows no more of a request than how to go on with it. */
const request = {} as FastifyRequest;
const reply = {} as FastifyReply;

async function aTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

test('requests go in small cohorts, in the order in which they came', async () => {
  const cohorts = new Cohorts(LIMIT);
  const gone: number[] = [];
  const ask = (number: number): void => {
    // Fastify calls it so: as a function of its own.
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

  // Whoever comes alone, later, goes at once.
  ask(LIMIT);
  await aTurn();
  expect(gone.at(-1)).toBe(LIMIT);
});

test('it is known how long the oldest has waited', async () => {
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

test('each request of a cohort goes on in its own context', async () => {
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
