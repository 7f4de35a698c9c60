/** Tests the events, their data and the columns they set that a declaration refuses, with a sentence for each. */
import { Refusal, int, text } from '../../src/machine';
import {
  Damaged,
  columns,
  grams,
  note,
  refuses,
  sender,
  withEvent,
  withPacking,
  withSending,
} from './parcel';

describe('an event', () => {
  refuses([
    ['the event losing must be written like PartialPayment', withEvent('losing', {})],
    ['the event Losing says nothing', withEvent('Losing', { says: '' })],
    [
      'the event Losing has the verb Lose, which must be written like payInParts',
      withEvent('Losing', { verb: 'Lose' }),
    ],
    [
      'the event Losing has the verb become, which every phase uses for something else',
      withEvent('Losing', { verb: 'become' }),
    ],
    [
      'the event Losing has the verb toString, which every phase uses for something else',
      withEvent('Losing', { verb: 'toString' }),
    ],
    [
      'the event Losing has the verb then, which every phase uses for something else',
      withEvent('Losing', { verb: 'then' }),
    ],
    [
      'the event Losing has the verb schedule, which is a mutation of every machine',
      withEvent('Losing', { verb: 'schedule' }),
    ],
    [
      'the events Sending and Losing share the verb send, but each needs its own',
      withEvent('Losing', { verb: 'send' }),
    ],
    ['the event Losing is accepted by no state', withEvent('Losing', {}, { accepts: {} })],
    [
      'the event Packing begins the machine, so its moment is createdAt',
      withPacking({ at: 'sentAt' }),
    ],
    [
      'the event Packing begins the machine: no class computes a column',
      withPacking({ sets: ['fragile'] }),
    ],
    [
      'the event Packing begins the machine: no class refuses it',
      withPacking({ refusals: [Damaged] }),
    ],
    [
      'the event Sending has its moment at createdAt, which belongs to Packing alone',
      withSending({ at: 'createdAt' }),
    ],
    [
      'the event Sending has its moment at grams, which is not a column of kind moment',
      withSending({ at: 'grams' }),
    ],
    [
      'the event Sending has its moment at lostAt, which is not a column of kind moment',
      withSending({ at: 'lostAt' }),
    ],
  ]);
});

describe('the data of an event, and the columns that it sets', () => {
  refuses([
    [
      'Grams in the data of the event Sending must be written like paidCents',
      withSending({ data: { grams, Grams: grams } }),
    ],
    [
      'id in the data of the event Sending has the name of an argument that every event takes',
      withSending({ data: { grams, id: note } }),
    ],
    [
      'note in the data of the event Sending says nothing',
      withSending({ data: { grams, note: text({ says: '' }) } }),
    ],
    [
      'grams in the data of the event Sending is of kind text, but the column of this name is of kind int',
      withSending({ data: { grams: note } }),
    ],
    [
      'grams in the data of the event Sending has looser rules than the column of this name',
      withSending({ data: { grams: int({ min: 0, max: 5, says: 'Grams.' }) } }),
    ],
    [
      'grams in the data of the event Sending has looser rules than the column of this name',
      withSending({ data: { grams: int({ min: 1, says: 'Grams.' }) } }),
    ],
    [
      'sender in the data of the event Packing has looser rules than the column of this name',
      withPacking({ data: { sender: text({ min: 2, max: 10, says: 'Who.' }) } }),
    ],
    [
      'the event Sending sets colour, which is not a column',
      withSending({ sets: ['fragile', 'colour'] }),
    ],
    [
      'the event Sending sets sentAt, which takes nothing but the moment of an event',
      withSending({ sets: ['fragile', 'sentAt'] }),
    ],
    [
      'the event Sending sets sentAt, which takes nothing but the moment of an event',
      withSending({ data: { grams, sentAt: columns.sentAt } }),
    ],
    ['the event Sending sets grams twice', withSending({ sets: ['fragile', 'grams'] })],
    [
      'the event Packing sets grams, but leads to no state that keeps this column',
      withPacking({ data: { sender, grams } }),
    ],
  ]);
});

describe('a refusal', () => {
  refuses([
    [
      'the event Sending lists the refusal Damaged twice',
      withSending({ refusals: [Damaged, Damaged] }),
    ],
    [
      'two of its refusals are called Damaged',
      withSending({
        refusals: [
          Damaged,
          class Damaged extends Refusal {
            static says = 'So.';
            message = '';
          },
        ],
      }),
    ],
    [
      'the refusal Other does not extend Refusal',
      withSending({
        refusals: [
          class Other extends Error {
            static says = 'So.';
            static fields = {};
          },
        ],
      }),
    ],
    [
      'the refusal NotFound has the name of a refusal that every machine has',
      withSending({ refusals: [class NotFound extends Damaged {}] }),
    ],
    [
      'the refusal Silent says nothing',
      withSending({
        refusals: [
          class Silent extends Damaged {
            static override says = '' as 'It is damaged.';
          },
        ],
      }),
    ],
    [
      'the field Due of the refusal Telling must be written like paidCents',
      withSending({
        refusals: [
          class Telling extends Damaged {
            static override fields = { Due: grams };
          },
        ],
      }),
    ],
    [
      'the refusal Telling declares message, which every refusal has',
      withSending({
        refusals: [
          class Telling extends Damaged {
            static override fields = { message: note };
          },
        ],
      }),
    ],
  ]);
});
