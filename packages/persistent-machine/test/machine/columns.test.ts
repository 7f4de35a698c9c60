/** Tests the columns that a declaration refuses, with a sentence for each. */
import { int, text } from '../../src/machine';
import { columns, note, parcel, refuses, withColumn, withSent } from './parcel';

refuses([
  ['the column Note must be written like paidCents', withColumn('Note', note)],
  ['the column itemURL must be written like paidCents', withColumn('itemURL', note)],
  ['the column my_note must be written like paidCents', withColumn('my_note', note)],
  [
    'the column history has a name that the engine uses for every machine',
    withColumn('history', note),
  ],
  [
    'the column position has a name that the engine uses for every machine',
    withColumn('position', note),
  ],
  [
    'the column parcelId has a name that the engine uses for every machine',
    withColumn('parcelId', note),
  ],
  [
    'the column valueOf has the name of a property that every object has',
    withColumn('valueOf', note),
  ],
  ['the column note says nothing', withColumn('note', text({ says: '' }))],
  [
    'the column note has the min -1, which is not a whole number from 0 to',
    withColumn('note', text({ min: -1, says: 'A note.' })),
  ],
  [
    'the column note has the max 1.5, which is not a whole number from 0 to',
    withColumn('note', text({ max: 1.5, says: 'A note.' })),
  ],
  [
    'the column note has a min above its max',
    withColumn('note', text({ min: 2, max: 1, says: 'A note.' })),
  ],
  [
    'the column note has a pattern that remembers',
    withColumn('note', text({ pattern: /a/g, says: 'A note.' })),
  ],
  [
    'the column cents has the max 2147483648, which is not a whole number from -2147483648 to 2147483647',
    withColumn('cents', int({ max: 2 ** 31, says: 'Cents.' })),
  ],
  [
    'the column note is set by no event',
    { ...withSent({ may: ['fragile', 'note'] }), columns: { ...columns, note } },
  ],
  [
    'the column note is always null: no state has it, or may have it',
    { ...parcel, columns: { ...columns, note } },
  ],
]);
