/** An order in each of its states, reached by legal events. */
import { Refusal } from '../../src/machine';
import { type OrderPhase, Paid, orders } from './order';

export const id = '01890a5d-ac96-774b-bcce-b302099a8057';
export const draftedAt = new Date('2026-01-01T00:00:00.000Z');
export const days = (count: number): Date => new Date(draftedAt.getTime() + count * 86_400_000);
export const now = days(10);

/** The phase that an event made, which must not be a refusal. */
export function made<O>(outcome: O): Exclude<O, Refusal> {
  if (outcome instanceof Refusal) throw new Error(outcome.message);
  // The compiler does not narrow the union O.
  return outcome as Exclude<O, Refusal>;
}

export const draft = orders.begin(id, {}, draftedAt);
export const placed = made(draft.place({ customer: 'Ann', totalCents: 500 }, { now: days(1) }));
const paid = made(placed.pay({ amountCents: 500 }, { now: days(2) }));
if (!(paid instanceof Paid)) throw new Error('All has been paid.');
export const shipped = made(paid.ship({ carrier: 'Post' }, { now: days(3) }));
export const phases: Readonly<Record<OrderPhase['stateType'], OrderPhase>> = {
  Draft: draft,
  Placed: placed,
  Paid: paid,
  Shipped: shipped,
  Delivered: made(shipped.deliver({ now: days(4) })),
  Cancelled: made(placed.cancel({ reason: 'late' }, { now: days(4) })),
};
