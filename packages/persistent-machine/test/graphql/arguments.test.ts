/**
 * Tests input that is refused before any machine is asked: values that break the rule of a column, and cursors of
 * another connection.
 */
import { type GraphQLFormattedError, graphql } from 'graphql';
import { type Context, Machines } from 'persistent-machine/graphql/context';
import { type Cursors, cursorsOf } from 'persistent-machine/graphql/cursors';
import { namesOf } from 'persistent-machine/graphql/names';
import { createSchema } from 'persistent-machine/graphql/schema';
import type { AnyLifecycle } from 'persistent-machine/machine';
import { doors } from './door';
import { orders } from './order';

const schema = createSchema([{ lifecycle: doors }, { lifecycle: orders }]);
const ID = '01890a5d-ac96-774b-bcce-b302099a8057';

/** The reason why a document is refused. No machine is served here, so a valid document fails for another reason. */
async function refusalOf(
  source: string,
  variableValues: Record<string, unknown> = {},
): Promise<GraphQLFormattedError['extensions']> {
  const contextValue: Partial<Context> = { machines: new Machines(), deadline: 0, actor: null };
  const { errors = [] } = await graphql({ schema, source, variableValues, contextValue });
  expect(errors).toHaveLength(1);
  return errors[0]?.extensions;
}

const PLACE = `mutation ($id: ID!, $customer: String!, $totalCents: Int!, $key: String) {
  placeOrder(id: $id, customer: $customer, totalCents: $totalCents, idempotencyKey: $key) { __typename }
}`;
const good = { id: ID, customer: 'Ann', totalCents: 5, key: 'one' };

test.each([
  ['customer', 'A', 'must be 2 characters or more.'],
  ['customer', 'Annabel', 'must be 5 characters or less.'],
  ['customer', ' Ann', 'must match ^[^ ].'],
  ['customer', 'A\0n', 'must be well-formed Unicode without NUL.'],
  ['customer', 'A\ud800n', 'must be well-formed Unicode without NUL.'],
  ['totalCents', 0, 'must be 1 or more.'],
  ['totalCents', 100_001, 'must be 100000 or less.'],
  ['id', 'no UUID', 'must be a UUID, like 01890a5d-ac96-774b-bcce-b302099a8057.'],
  ['key', '', 'must be 1 to 255 printable characters.'],
])('%s of %j is refused by its rule', async (name, value, message) => {
  expect(await refusalOf(PLACE, { ...good, [name]: value })).toEqual({
    code: 'BAD_USER_INPUT',
    fields: [{ path: name === 'key' ? 'idempotencyKey' : name, message }],
  });
});

test('one error names all wrong arguments, each with its rule', async () => {
  const bad = { id: 'no UUID', customer: ' ', totalCents: 0, key: '\n' };
  expect(await refusalOf(PLACE, bad)).toEqual({
    code: 'BAD_USER_INPUT',
    fields: expect.arrayContaining([
      { path: 'id', message: expect.stringContaining('must be a UUID') },
      { path: 'customer', message: 'must be 2 characters or more.' },
      { path: 'customer', message: 'must match ^[^ ].' },
      { path: 'totalCents', message: 'must be 1 or more.' },
      { path: 'idempotencyKey', message: 'must be 1 to 255 printable characters.' },
    ]),
  });
});

test.each([
  ['five characters that are emoji', '😀😀😀😀😀'],
  ['the longest text', 'Annie'],
  ['the shortest text', 'Al'],
])('%s keep the rule of at most five, since a character counts once', async (_, customer) => {
  // The value reaches the machine, which is not served here.
  expect(await refusalOf(PLACE, { ...good, customer })).toEqual({});
});

const nameOf = ({ machine }: AnyLifecycle): Cursors => cursorsOf(namesOf(machine));
const [OF_DOORS, OF_ORDERS] = [nameOf(doors), nameOf(orders)];
const mark = { position: '3', fingerprint: '0123456789abcdef' };
const place = { partition: 0, ...mark, place: [mark] };
const now = new Date('2026-01-31T12:00:00.000Z');
const phase = doors.begin(ID, {}, now);
const transition = {
  ...place,
  ...{ phase, event: 'Hanging', from: null, occurredAt: now, recordedAt: now, actor: null },
};

describe('a cursor of one machine', () => {
  const feed = OF_DOORS.feed.of(place);
  const list = OF_DOORS.machine.of(phase);
  const history = OF_DOORS.version.of(transition);

  test.each([
    ['feed', 'the feed', feed, '{ orderTransitions(after: $after) { pageInfo { endCursor } } }'],
    ['list', 'the list', list, '{ orders(after: $after) { pageInfo { endCursor } } }'],
    ['list', 'the feed', list, '{ transitions(after: $after) { pageInfo { endCursor } } }'],
    ['history', 'the feed', history, '{ transitions(after: $after) { pageInfo { endCursor } } }'],
  ])('of its %s is refused by %s of another machine, or of other items', async (...row) => {
    const [, , after, selection] = row;
    expect(await refusalOf(`query ($after: String) ${selection}`, { after })).toEqual({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'after', message: 'is not a cursor of this connection.' }],
    });
  });

  test('is refused by the history of another machine', () => {
    expect(() => OF_ORDERS.version.parse(history, 'after')).toThrow('is not a cursor');
    expect(OF_DOORS.version.parse(history, 'after')).toEqual(['1']);
  });

  test('has no name of the machine in it where the machine is bare', () => {
    const written = (cursor: string): string => Buffer.from(cursor, 'base64url').toString();
    expect(written(feed)).toBe('feed 2 0123456789abcdef 3');
    expect(written(list)).toBe(`door 2026-01-31T12:00:00.000Z ${ID}`);
    expect(written(history)).toBe('version 1');
  });
});
