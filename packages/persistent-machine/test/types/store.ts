/**
 * What a caller may ask of a store, by the lifecycle of its machines, and the types of the answers. This file never
 * runs.
 */
import type { Feed } from '../../src/feed/Feed';
import type {
  AnyLifecycle,
  IdempotencyKeyReused,
  IllegalTransition,
  MachinePhase,
  NotFound,
  OccurredAtOutOfRange,
  Refusal,
} from '../../src/machine';
import type { MachineReader } from '../../src/store/MachineReader';
import type { MachineStore } from '../../src/store/MachineStore';
import type { Draft, OrderPhase, Overpaid, Paid, Placed, orders } from '../machine/order';

declare const store: MachineStore<typeof orders>;
declare const reader: MachineReader<typeof orders>;
declare const feed: Feed<typeof orders>;
declare const any: MachineStore<AnyLifecycle>;

const request = { actor: null };

// The compiler knows the targets and the refusals of an event.
export const paid: Promise<
  | Placed
  | Paid
  | Overpaid
  | NotFound
  | IdempotencyKeyReused
  | IllegalTransition<OrderPhase, 'Payment'>
  | OccurredAtOutOfRange
> = store.transition('id', 'Payment', { amountCents: 1 }, request);
export const draft: Promise<Draft> = store.begin('id', {}, request);
export const found: Promise<OrderPhase | null> = store.find('id');
export const past: Promise<OrderPhase | null> = reader.past('id', { version: 1 });

// An unknown event, an event that begins an order, and an event without its data.
// @ts-expect-error Argument of type '"Paiment"' is not assignable
void store.transition('id', 'Paiment', { amountCents: 1 }, request);
// @ts-expect-error Argument of type '"Drafting"' is not assignable
void store.transition('id', 'Drafting', {}, request);
// @ts-expect-error is missing in type '{}'
void store.transition('id', 'Payment', {}, request);
// @ts-expect-error Type 'string' is not assignable to type 'number'
void store.transition('id', 'Payment', { amountCents: '1' }, request);
// @ts-expect-error Type 'number' is not assignable to type 'never'
void store.transition('id', 'Delivery', { amountCents: 1 }, request);
// @ts-expect-error Type 'number' is not assignable to type 'never'
void store.begin('id', { amountCents: 1 }, request);

// The data of transitions have the declared types, and their events the declared names.
export async function amounts(): Promise<number[]> {
  const { nodes } = await reader.history('id', { from: 'start', size: 1 });
  return nodes.flatMap(({ data }) =>
    data !== null && 'amountCents' in data ? data.amountCents : [],
  );
}
export async function isPayment(): Promise<boolean> {
  const { value } = await (await feed.transitions(null, undefined)).next();
  // @ts-expect-error This comparison appears to be unintentional
  return value?.event === 'Paiment';
}

// A caller may ask for any event of an unknown lifecycle.
export const anything: Promise<MachinePhase | Refusal> = any.transition('id', 'Any', {}, request);
