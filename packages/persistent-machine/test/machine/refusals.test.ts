/** Tests the messages and the fields of refusals. */
import { IdempotencyKeyReused, IllegalTransition, NotFound, Refusal } from '../../src/machine';
import { doors } from './door';

const closed = doors.begin('a door', {}, new Date(0));

test('an illegal transition names the event, the state that refused it, and the events that this state accepts', () => {
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

test('NotFound names the machine in words', () => {
  expect(new NotFound('PurchaseOrder', '7')).toMatchObject({
    message: 'There is no purchase order 7.',
    machine: 'PurchaseOrder',
    id: '7',
  });
});

test('IdempotencyKeyReused names the key', () => {
  expect(new IdempotencyKeyReused('k')).toMatchObject({
    message: 'The idempotency key "k" was used for another request: take a new key.',
    idempotencyKey: 'k',
  });
});

test('a refusal without fields of its own declares none', () => {
  expect(Refusal.fields).toEqual({});
});
