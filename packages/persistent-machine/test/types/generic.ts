/** What the compiler infers of a lifecycle for code that is generic in machines. This file never runs. */
import type {
  AnyLifecycle,
  DataOf,
  EventIn,
  IllegalTransition,
  InitialEventIn,
  Moment,
  OccurredAtOutOfRange,
  OutcomeOf,
  PhaseIn,
  RecordOf,
  Refusal,
  StateIn,
  TransitionEventIn,
} from '../../src/machine';
import { type Closed, type DoorPhase, doors } from '../machine/door';
import {
  type Draft,
  type OrderPhase,
  type Overpaid,
  type Paid,
  type Placed,
  orders,
} from '../machine/order';

type Orders = typeof orders;
type Same<A, B> = [A, B] extends [B, A] ? true : false;

/** Takes any lifecycle and one of its events, as a store does. */
function transition<L extends AnyLifecycle, E extends TransitionEventIn<L>>(
  lifecycle: L,
  event: E,
  phase: PhaseIn<L>,
  data: DataOf<L, E>,
  at: Moment,
): OutcomeOf<L, E> {
  // The step of E returns the outcome of E. Only the type of the given lifecycle says so.
  return lifecycle.step(event)(phase, data, at) as OutcomeOf<L, E>;
}

declare const phase: OrderPhase;
declare const at: Moment;
const outcome = transition(orders, 'Payment', phase, { amountCents: 5 }, at);
export const outcomes: Same<
  typeof outcome,
  Placed | Paid | Overpaid | OccurredAtOutOfRange | IllegalTransition<OrderPhase, 'Payment'>
> = true;
export const step: Same<
  ReturnType<ReturnType<typeof orders.step<'Payment'>>>,
  OutcomeOf<Orders, 'Payment'>
> = true;
declare const door: DoorPhase;
export const shut: Closed | OccurredAtOutOfRange | IllegalTransition<DoorPhase> = transition(
  doors,
  'Slamming',
  door,
  {},
  at,
);
// @ts-expect-error Argument of type '"Opennig"' is not assignable to parameter of type '"Opening" | "Closing" | "Slamming" | "Locking" | "Unlocking"'.
transition(doors, 'Opennig', door, {}, at);
// @ts-expect-error Argument of type '"Installation"' is not assignable to parameter of type
transition(doors, 'Installation', door, {}, at);
// @ts-expect-error 'amount' does not exist in type
transition(orders, 'Payment', phase, { amount: 5 }, at);
// @ts-expect-error Type 'number' is not assignable to type 'never'.
transition(doors, 'Opening', door, { amountCents: 5 }, at);

/** Knows nothing of the lifecycle, as a feed does. */
export function replay({ phaseOf }: Pick<AnyLifecycle, 'phaseOf'>): readonly string[] {
  return phaseOf({ id: '', version: 1, stateType: '', createdAt: at.now, updatedAt: at.now })
    .nextEvents;
}
export const any: readonly AnyLifecycle[] = [orders, doors];

export const states: Same<
  StateIn<Orders>,
  'Draft' | 'Placed' | 'Paid' | 'Shipped' | 'Delivered' | 'Cancelled'
> = true;
export const events: Same<
  EventIn<Orders>,
  InitialEventIn<Orders> | TransitionEventIn<Orders>
> = true;
export const beginning: Same<InitialEventIn<Orders>, 'Drafting'> = true;
export const one: Same<PhaseIn<Orders, 'Paid' | 'Draft'>, Paid | Draft> = true;
export const data: Same<DataOf<Orders, 'Payment'>, { readonly amountCents: number }> = true;
export const column: Same<RecordOf<Orders>['paidCents'], number | null> = true;
export const first: Draft = orders.begin('id', {}, at.now);
export const rebuilt: OrderPhase = orders.phaseOf(first.state);
// @ts-expect-error is not assignable to type 'Refusal'.
export const refused: Refusal = outcome;
