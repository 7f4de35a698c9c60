/** Input that the server refuses before it acts on it. `fields` names the wrong argument and says why. */
import {
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLNamedType,
  getNamedType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { uuidv7 } from 'uuidv7';
import { createSchema } from 'persistent-machine/graphql/schema';
import { MACHINES } from '../../src/machines';
import { type Answer, type TestServer, startServer } from '../harness';
import { Bystanders } from './Bystanders';
import { ask, dataOf } from './client';
import { livingIn, mutationOf } from './lives';

let server: TestServer;
let bystanders: Bystanders;
/** A life with a history, and the cursors of the first row of each connection. */
let id: string;
let cursors: Record<Connection, string>;

beforeAll(async () => {
  server = await startServer();
  bystanders = await Bystanders.of(server);
  id = await livingIn(server, 'Dead');
  const { lives, transitions, life } = await dataOf(
    server,
    `query ($id: ID!) {
      lives(first: 1) { pageInfo { endCursor } }
      transitions(first: 1) { pageInfo { endCursor } }
      life(id: $id) { history(first: 1) { pageInfo { endCursor } } }
    }`,
    { id },
  );
  cursors = {
    lives: lives.pageInfo.endCursor,
    transitions: transitions.pageInfo.endCursor,
    history: life.history.pageInfo.endCursor,
  };
});

afterEach(async () => {
  await bystanders.expectUnchanged();
});

afterAll(async () => {
  // Also if making the bystanders failed: a server that keeps running would block the run.
  try {
    await bystanders.leave();
  } finally {
    await server.stop();
  }
});

/** Asserts that an answer is one refusal with these fields. */
const expectRefused = ({ status, errors }: Answer, fields: readonly object[]): void => {
  expect(status).toBe(200);
  expect(errors?.map(({ extensions }) => extensions)).toEqual([
    { code: 'BAD_USER_INPUT', requestId: expect.any(String), fields },
  ]);
};

describe('an id', () => {
  // Of lives only: another machine's events may need data beside the id.
  const schema = createSchema(
    MACHINES.filter(({ lifecycle }) => lifecycle.machine.name === 'Life'),
  );
  const roots: readonly [string, GraphQLNamedType | null | undefined][] = [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
  ];
  const isId = ({ type }: GraphQLArgument): boolean => getNamedType(type).name === 'ID';
  /** Each field of the schema with an id, in a document that passes it as a variable. */
  const fields = roots.flatMap(([operation, root]) =>
    Object.values(isObjectType(root) ? root.getFields() : {}).flatMap(({ name, args, type }) =>
      args.filter(isId).map((argument) => {
        const selection = getNamedType(type).name === 'StateMachine' ? '' : '{ __typename }';
        return {
          field: name,
          argument: argument.name,
          many: isMany(argument.type),
          document: `${operation} ($value: ${argument.type.toString()}) {
            ${name}(${argument.name}: $value) ${selection}
          }`,
        };
      }),
    ),
  );
  const good = '01890a5d-ac96-774b-bcce-b302099a8057';
  const bad = [
    '',
    ' ',
    'no UUID',
    good.replaceAll('-', ''),
    `{${good}}`,
    ` ${good}`,
    `${good}\n`,
    good.slice(1),
    `${good}0`,
    good.replace('0', 'g'),
    good.replaceAll('-', '–'),
    `urn:uuid:${good}`,
  ];

  test('is an argument of these fields', () => {
    expect(fields.map(({ field, argument }) => `${field}(${argument})`).sort()).toEqual([
      'birth(id)',
      'conceive(id)',
      'die(id)',
      'life(id)',
      'node(id)',
      'nodes(ids)',
    ]);
  });

  test.each(fields)(
    'that is no UUID is refused by $field, which names its argument $argument',
    async ({ document, argument, many }) => {
      const before = await dataOf(server, '{ census { total cursor } }');
      for (const text of bad) {
        const value = many ? [good, text] : text;
        expectRefused(await ask(server, document, { value }), [
          {
            path: many ? `${argument}.1` : argument,
            message: 'must be a UUID, like 01890a5d-ac96-774b-bcce-b302099a8057.',
          },
        ]);
      }
      expect(await dataOf(server, '{ census { total cursor } }')).toEqual(before);
    },
  );

  test('that is missing is refused', async () => {
    for (const variables of [{}, { id: null }]) {
      expectRefused(await ask(server, 'query ($id: ID!) { life(id: $id) { id } }', variables), [
        { path: 'id', message: expect.stringContaining('$id') },
      ]);
    }
  });

  function isMany(type: GraphQLInputType): boolean {
    return isListType(isNonNullType(type) ? type.ofType : type);
  }
});

/** The kinds of connections, each with a document that passes every argument of a page. */
type Connection = 'lives' | 'transitions' | 'history';
const PAGE = '(first: $first, after: $after, last: $last, before: $before)';
const DECLARED = '$first: Int, $after: String, $last: Int, $before: String';
const connections: Record<Connection, string> = {
  lives: `query (${DECLARED}) { lives${PAGE} { totalCount } }`,
  transitions: `query (${DECLARED}) { transitions${PAGE} { nodes { version } } }`,
  history: `query (${DECLARED}, $id: ID!) { life(id: $id) { history${PAGE} { nodes { version } } } }`,
};
const kinds = Object.keys(connections) as Connection[];

describe.each(kinds)('a page of %s', (kind) => {
  const page = async (variables: Record<string, unknown>): Promise<Answer> =>
    ask(server, connections[kind], { id, ...variables });

  test.each([
    { given: { first: -1 }, fields: [{ path: 'first', message: 'must be 0 or more.' }] },
    { given: { last: -1 }, fields: [{ path: 'last', message: 'must be 0 or more.' }] },
    { given: { first: 101 }, fields: [{ path: 'first', message: 'must be 100 or less.' }] },
    { given: { last: 101 }, fields: [{ path: 'last', message: 'must be 100 or less.' }] },
    {
      given: { first: -1, last: 101 },
      fields: [
        { path: 'first', message: 'must be 0 or more.' },
        { path: 'last', message: 'must be 100 or less.' },
      ],
    },
    {
      given: { first: 1, last: 1 },
      fields: [{ path: 'last', message: 'must not be given together with first.' }],
    },
    {
      given: { first: 0, last: 0 },
      fields: [{ path: 'last', message: 'must not be given together with first.' }],
    },
    { given: { first: 1.5 }, fields: [{ path: 'first', message: expect.any(String) }] },
    { given: { last: 2 ** 31 }, fields: [{ path: 'last', message: expect.any(String) }] },
  ])('is refused for $given', async ({ given, fields }) => {
    expectRefused(await page(given), fields);
  });

  test('takes null as an argument that is left out, and sizes from 0 to 100', async () => {
    const nothing = { first: null, after: null, last: null, before: null };
    for (const given of [nothing, { first: 0 }, { last: 0 }, { first: 100 }, { last: 100 }]) {
      expect((await page(given)).errors).toBeUndefined();
    }
  });

  test.each(['after', 'before'])('is refused for a malformed cursor %s', async (argument) => {
    const own = cursors[kind];
    const text = Buffer.from(own, 'base64url').toString();
    const encoded = (cursor: string): string => Buffer.from(cursor).toString('base64url');
    const kindOf = (cursor: string): string => cursor.split(' ')[0] ?? '';
    const malformed = [
      '',
      ' ',
      'nonsense',
      '💀',
      own.slice(0, -2),
      own.slice(2),
      `${own}=`,
      `${own}\n`,
      ` ${own}`,
      `${own}${own}`,
      encoded(`${text} `),
      encoded(`${text} 1`),
      encoded(kindOf(text)),
      ...['-1', `9${'0'.repeat(40)}`, '1.5', 'NaN', "1'; --", '01'].map((last) =>
        encoded(text.replace(/\S+$/, last)),
      ),
      encoded(text.toUpperCase()),
      ...kinds.filter((other) => other !== kind).map((other) => cursors[other]),
    ];
    for (const cursor of malformed) {
      expectRefused(await page({ [argument]: cursor }), [
        { path: argument, message: 'is not a cursor of this connection.' },
      ]);
    }
    expect((await page({ [argument]: own })).errors).toBeUndefined();
  });
});

test('a cursor of lives with an impossible time or id is refused', async () => {
  const encoded = (...parts: string[]): string =>
    Buffer.from(['life', ...parts].join(' ')).toString('base64url');
  const time = '2026-01-31T12:00:00.000Z';
  const ofTime = (at: string): string => encoded(at, id);
  const malformed = [
    ofTime('+275760-09-13T00:00:00.000Z'),
    ofTime('-000001-01-01T00:00:00.000Z'),
    ofTime('0000-01-01T00:00:00.000Z'),
    ofTime('2026-02-30T12:00:00.000Z'),
    ofTime('2026-01-31T12:00:00Z'),
    ofTime('infinity'),
    encoded(time),
    encoded(time, 'no UUID'),
    // The server writes ids in lower case, so no other cursor can be its own.
    encoded(time, 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'),
    encoded(time, id, id),
  ];
  for (const after of malformed) {
    expectRefused(await ask(server, connections.lives, { after }), [
      { path: 'after', message: 'is not a cursor of this connection.' },
    ]);
  }
  const { errors } = await ask(server, connections.lives, { after: ofTime(time) });
  expect(errors).toBeUndefined();
});

test('an unknown phase, event or order is refused', async () => {
  const documents = [
    'query ($value: [Phase!]) { lives(phase: $value) { totalCount } }',
    'query ($value: [LifeEvent!]) { transitions(events: $value) { nodes { version } } }',
    'query ($value: LifeOrder) { lives(order: $value) { totalCount } }',
  ];
  for (const document of documents) {
    for (const value of ['UNBORN', 'alive', [null], 7]) {
      expectRefused(await ask(server, document, { value }), [
        { path: 'value', message: expect.stringContaining('$value') },
      ]);
    }
  }
});

describe('a DateTime', () => {
  const malformed = [
    '',
    'now',
    '2026-01-31',
    '2026-01-31T12:00:00',
    '2026-01-31 12:00:00Z',
    '2026-01-31T12:00Z',
    '2026-02-29T12:00:00Z',
    '2026-13-01T12:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T12:00:00+24:00',
    '2026-01-31T12:00:00+05',
    '2026-01-31T12:00:00|05:00',
    '2026-01-31T12:00:00.Z',
    '26-01-31T12:00:00Z',
    '+002026-01-31T12:00:00Z',
    '0000-12-31T23:59:59Z',
    '10000-01-01T00:00:00Z',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    'infinity',
  ];

  test('that is malformed, as a variable, is bad input', async () => {
    for (const occurredAt of [...malformed, 1769860800000, true, ['2026-01-31T12:00:00Z'], {}]) {
      const answer = await ask(server, mutationOf('Death', '__typename'), { id, occurredAt });
      expectRefused(answer, [{ path: 'occurredAt', message: expect.stringContaining('DateTime') }]);
    }
  });

  test('that is malformed in the document makes the document invalid, and the error has its place', async () => {
    for (const literal of [...malformed.map((text) => JSON.stringify(text)), '7', 'NOW', '{}']) {
      const { errors } = await ask(
        server,
        `mutation { die(id: "${id}", occurredAt: ${literal}) { __typename } }`,
      );
      expect(errors).toMatchObject([
        {
          message: expect.stringContaining('DateTime'),
          locations: [{ line: 1, column: expect.any(Number) }],
          extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
        },
      ]);
    }
  });

  test('may be any moment of the years 0001 to 9999, with any offset, in either case', async () => {
    const moments = {
      '0001-01-01T00:00:00Z': '0001-01-01T00:00:00.000Z',
      '9999-12-31T23:59:59.9999Z': '9999-12-31T23:59:59.999Z',
      '2026-01-31t12:00:00.1239z': '2026-01-31T12:00:00.123Z',
      '2026-01-31T12:00:00.5-03:30': '2026-01-31T15:30:00.500Z',
      '2024-02-29T00:00:00+23:59': '2024-02-28T00:01:00.000Z',
      '0099-03-01T00:00:00-00:00': '0099-03-01T00:00:00.000Z',
    };
    const gestating = await livingIn(server, 'Gestating');
    for (const [occurredAt, understood] of Object.entries(moments)) {
      const { outcome } = await dataOf(
        server,
        mutationOf('Birth', '... on OccurredAtOutOfRange { message }'),
        { id: gestating, occurredAt },
      );
      // The time is too early or too late. The message shows it in UTC.
      expect(outcome.message).toContain(`occurredAt ${understood} is out of range`);
    }
  });

  test('may be left out, null or a null variable, with the same effect', async () => {
    for (const mutation of ['birth(id: $id)', 'birth(id: $id, occurredAt: null)']) {
      const life = await livingIn(server, 'Gestating');
      expect(
        await dataOf(server, `mutation ($id: ID!) { outcome: ${mutation} { __typename } }`, {
          id: life,
        }),
      ).toEqual({ outcome: { __typename: 'Alive' } });
    }
    const life = await livingIn(server, 'Gestating');
    expect(
      await dataOf(server, mutationOf('Birth', '__typename'), { id: life, occurredAt: null }),
    ).toEqual({ outcome: { __typename: 'Alive' } });
  });
});

test('an error in one field leaves the answers of the other fields intact', async () => {
  const { data, errors } = await ask(
    server,
    `query ($id: ID!, $none: ID!) {
      life(id: $id) { phase }
      wrong: life(id: "no UUID") { phase }
      none: life(id: $none) { phase }
    }`,
    { id, none: uuidv7() },
  );
  expect(data).toEqual({ life: { phase: 'DEAD' }, wrong: null, none: null });
  expect(errors).toMatchObject([{ path: ['wrong'], extensions: { code: 'BAD_USER_INPUT' } }]);
});
