/** The faults of a machine's own refusals. */
import type { Declaration } from '../declaration';
import { Refusal } from '../refusals';
import { describedFaults } from './columns';
import { PASCAL_CASE, repeated, saysFaults } from './names';

/** The refusals that every machine may meet. */
const ENGINES_OWN: ReadonlySet<string> = new Set([
  ...['IllegalTransition', 'OccurredAtOutOfRange', 'NotFound'],
  ...['IdempotencyKeyReused', 'StaleVersion', 'TransitionError'],
]);

export function* refusalFaults({ events }: Declaration): Iterable<string> {
  const lists = Object.entries(events).map(([event, { refusals = [] }]) => ({ event, refusals }));
  for (const { event, refusals } of lists) {
    for (const name of repeated(refusals.map((refusal) => refusal.name))) {
      yield `the event ${event} lists the refusal ${name} twice`;
    }
  }
  const all = [...new Set(lists.flatMap(({ refusals }) => refusals))];
  for (const name of repeated(all.map((refusal) => refusal.name))) {
    yield `two of its refusals are called ${name}`;
  }
  for (const refusal of all) {
    const place = `the refusal ${refusal.name}`;
    if (!(refusal.prototype instanceof Refusal)) yield `${place} does not extend Refusal`;
    if (!PASCAL_CASE.test(refusal.name)) yield `${place} must be written like CardExpired`;
    if (ENGINES_OWN.has(refusal.name))
      yield `${place} has the name of a refusal that every machine has`;
    yield* saysFaults(place, refusal);
    for (const [name, field] of Object.entries(refusal.fields)) {
      yield* describedFaults(`the field ${name} of ${place}`, name, field);
      if (name === 'message') yield `${place} declares message, which every refusal has`;
    }
  }
}
