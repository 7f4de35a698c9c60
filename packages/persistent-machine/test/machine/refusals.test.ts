/** What refusals say, to a person and to a program. */
import { IdempotencyKeyReused, IllegalTransition, NotFound, Refusal } from '../../src/machine';
import { doors } from './door';

const closed = doors.begin('a door', {}, new Date(0));

test('an illegal transition names the event, the state that refused it, and what that accepts', () => {
  expect(new IllegalTransition('Closing', closed)).toMatchObject({
    message: 'Closing is not possible in Closed, which accepts Opening, Locking.',
    event: 'Closing',
    from: 'Closed',
    nextEvents: ['Opening', 'Locking'],
    phase: closed,
  });
  expect(new IllegalTransition('Closing', { ...final, state: closed.state }).message).toBe(
    'Closing is not possible in Gone, which accepts nothing any more.',
  );
});
const final = { stateType: 'Gone', nextEvents: [], occurredAt: new Date(0) };

test('what is not found is named in words', () => {
  expect(new NotFound('PurchaseOrder', '7')).toMatchObject({
    message: 'There is no purchase order 7.',
    machine: 'PurchaseOrder',
    id: '7',
  });
});

test('a key that was used is named', () => {
  expect(new IdempotencyKeyReused('k')).toMatchObject({
    message: 'The idempotency key "k" was used for another request: take a new key.',
    idempotencyKey: 'k',
  });
});

test('a refusal without fields of its own declares none', () => {
  expect(Refusal.fields).toEqual({});
});
