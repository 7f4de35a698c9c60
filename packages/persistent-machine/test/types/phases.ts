/**
 * What a caller cannot do with a phase, and what a class cannot do. Never runs: a test compares the compiler's errors
 * with these comments.
 */
import type { Moment, OccurredAtOutOfRange } from '../../src/machine';
import { Closed, type DoorPhase, door } from '../machine/door';
import {
  Cancelled,
  type Delivered,
  type Draft,
  type OrderPhase,
  type Overpaid,
  Paid,
  Placed,
  Shipped,
  order,
  orders,
} from '../machine/order';

declare const draft: Draft;
declare const placed: Placed;
declare const delivered: Delivered;
declare const phase: OrderPhase;
declare const closed: DoorPhase;
declare const at: Moment;

// An illegal transition.
// @ts-expect-error Property 'ship' does not exist on type 'Placed'.
placed.ship({ carrier: 'Post' }, at);
// @ts-expect-error Property 'cancel' does not exist on type 'Delivered'.
delivered.cancel({ reason: 'late' }, at);
// @ts-expect-error Property 'cancel' does not exist on type 'OrderPhase'.
phase.cancel({ reason: 'late' }, at);
// @ts-expect-error Property 'become' is protected
placed.become(Paid, 'Payment', at, { paidCents: 1 });

// A verb takes the data of its event, and leads where the declaration says.
// @ts-expect-error Expected 2 arguments, but got 1.
placed.pay(at);
// @ts-expect-error 'amount' does not exist in type
placed.pay({ amount: 1 }, at);
export const paid: Placed | Paid | Overpaid | OccurredAtOutOfRange = placed.pay(
  { amountCents: 1 },
  at,
);
// @ts-expect-error is not assignable to type 'Paid | OccurredAtOutOfRange'
export const surelyPaid: Paid | OccurredAtOutOfRange = placed.pay({ amountCents: 1 }, at);

// A record is narrowed to its state.
export const noCustomer: null = draft.state.customer;
export const customer: string = placed.state.customer;
export const paidAt: Date | null = placed.state.paidAt;
// @ts-expect-error Type 'null' is not assignable to type 'Date'.
export const surelyPaidAt: Date = placed.state.paidAt;
// @ts-expect-error Property 'colour' does not exist on type
export const colour: string = placed.state.colour;
// @ts-expect-error Cannot assign to 'customer' because it is a read-only property.
placed.state.customer = 'Eve';
export let shipped: Shipped | OccurredAtOutOfRange;
if (phase.stateType === 'Paid') {
  const narrowed: string = phase.state.customer;
  shipped = phase.ship({ carrier: narrowed }, at);
}
export const nextEvents: readonly ('Payment' | 'Cancellation')[] = placed.nextEvents;

// An exhaustive match.
export const label: string | number = orders.match(phase, {
  Draft: () => 0,
  Placed: ({ state }) => state.customer,
  Paid: ({ state }) => state.paidAt.toISOString(),
  Shipped: ({ state }) => state.carrier,
  Delivered: () => 4,
  Cancelled: ({ state }) => state.reason,
});
const arms = { Draft: () => 0, Placed: () => 1, Paid: () => 2, Shipped: () => 3 };
// @ts-expect-error Property 'Cancelled' is missing
orders.match(phase, { ...arms, Delivered: () => 4 });
orders.match(phase, {
  Draft: () => 0,
  // @ts-expect-error Type '(one: Draft) => Draft' is not assignable to type '(phase: Placed) => unknown'.
  Placed: (one: Draft) => one,
  Paid: () => 2,
  Shipped: () => 3,
  Delivered: () => 4,
  Cancelled: () => 5,
});

// A step is asked for by an event that some state accepts.
void orders.step('Payment')(phase, { amountCents: 1 }, at);
// @ts-expect-error Argument of type '"Paymnet"' is not assignable to parameter of type '"Placement" | "Payment" | "Shipment" | "Delivery" | "Cancellation"'.
void orders.step('Paymnet');
// @ts-expect-error Argument of type '"Drafting"' is not assignable to parameter of type
void orders.step('Drafting');
// @ts-expect-error Type 'string' is not assignable to type 'number'.
void orders.step('Payment')(phase, { amountCents: 'all' }, at);
// @ts-expect-error Property 'reason' is missing in type '{}'
void orders.step('Cancellation')(phase, {}, at);
// @ts-expect-error Type 'string' is not assignable to type 'never'.
void orders.step('Delivery')(phase, { carrier: 'Post' }, at);
// @ts-expect-error Argument of type 'DoorPhase' is not assignable to parameter of type 'Draft | Placed | Delivered | Paid | Shipped | Cancelled'.
void orders.step('Delivery')(closed, {}, at);

export class OfDraft extends order.phase('Draft') {
  tries(now: Moment): unknown {
    return [
      // @ts-expect-error Argument of type '"Placemnet"' is not assignable to parameter of type '"Placement" | "Cancellation"'.
      this.become(Placed, 'Placemnet', now, { customer: 'Ann', totalCents: 1, paidCents: 0 }),
      // @ts-expect-error Argument of type '"Payment"' is not assignable to parameter of type '"Placement" | "Cancellation"'.
      this.become(Paid, 'Payment', now, { paidCents: 1 }),
      // @ts-expect-error Argument of type '"Placement"' is not assignable to parameter of type '"Placement leads from Draft to Placed"'.
      this.become(Cancelled, 'Placement', now, { reason: 'late' }),
      // @ts-expect-error Expected 4 arguments, but got 3.
      this.become(Placed, 'Placement', now),
      // @ts-expect-error Property 'totalCents' is missing in type '{ customer: string; paidCents: number; }'
      this.become(Placed, 'Placement', now, { customer: 'Ann', paidCents: 0 }),
      // @ts-expect-error Property 'paidCents' is missing in type '{ customer: string; totalCents: number; }'
      this.become(Placed, 'Placement', now, { customer: 'Ann', totalCents: 1 }),
      // @ts-expect-error Type 'string' is not assignable to type 'number'.
      this.become(Placed, 'Placement', now, { customer: 'Ann', totalCents: '1', paidCents: 0 }),
    ];
  }
}

export class OfPaid extends order.phase('Paid') {
  tries(now: Moment): unknown {
    return [
      // @ts-expect-error Type 'number' is not assignable to type '"Shipment does not set paidCents"'.
      this.become(Shipped, 'Shipment', now, { carrier: 'Post', paidCents: 0 }),
      // @ts-expect-error Type 'Date' is not assignable to type '"Shipment does not set shippedAt"'.
      this.become(Shipped, 'Shipment', now, { carrier: 'Post', shippedAt: now.now }),
      // @ts-expect-error 'colour' does not exist in type
      this.become(Shipped, 'Shipment', now, { carrier: 'Post', colour: 'red' }),
      // @ts-expect-error Argument of type 'typeof Closed' is not assignable to parameter of type
      this.become(Closed, 'Shipment', now, { carrier: 'Post' }),
    ];
  }
}

// Several events lead from one state to another: the type of the moment says which event a class may perform.
export class OfOpen extends door.phase('Open') {
  close(now: Moment): unknown {
    // @ts-expect-error Argument of type 'Moment<string>' is not assignable to parameter of type 'Moment<"Closing">'.
    return this.become(Closed, 'Closing', now);
  }

  slam(now: Moment<'Slamming'>): unknown {
    // @ts-expect-error Argument of type 'Moment<"Slamming">' is not assignable to parameter of type 'Moment<"Closing">'.
    return this.become(Closed, 'Closing', now);
  }
}

// @ts-expect-error Argument of type '"Plcaed"' is not assignable to parameter of type '"Draft" | "Placed" | "Cancelled" | "Paid" | "Shipped" | "Delivered"'.
void order.phase('Plcaed');

// A machine begins with the data of its initial event, and has none of its own.
void orders.begin('id', {}, at.now);
// @ts-expect-error Type 'string' is not assignable to type 'never'.
void orders.begin('id', { customer: 'Ann' }, at.now);
