/** Tests what PostgreSQL refuses when two transactions change machines by hand at once. */
import { randomUUID } from 'node:crypto';
import { ByHand, type Step } from './byHand';
import { openWithOrders } from './databases';
import type { MigratedDatabase } from './describeIntegrity';
import { order } from './machines';
import { type Contents, type Outcome, Session } from './session';

const byHand = new ByHand(order);
const { records, ledger } = byHand.shape;

let database: MigratedDatabase;
let session: Session;
let rival: Session;
let observer: Session;
/** Two machines that have begun, and the same change of each. */
let one: Step;
let other: Step;
let bystanders: Contents;

/** A change that leaves the first state. */
const edge = byHand.edges.find(({ from, to }) => from === byHand.edges[0]?.to && to !== from);

async function begun(): Promise<Step> {
  const begin = byHand.begin(randomUUID());
  await session.commit(byHand.statements(begin));
  if (edge === undefined) throw new Error('Nothing leads on.');
  return byHand.step(begin.after, edge);
}

beforeAll(async () => {
  database = await openWithOrders();
  session = await Session.open(database.url);
  await begun();
});

afterAll(async () => {
  await session.close();
  await database.drop();
});

beforeEach(async () => {
  [rival, observer] = [await Session.open(database.url), await Session.open(database.url)];
  [one, other] = [await begun(), await begun()];
  bystanders = await others();
});

afterEach(async () => {
  expect(await others()).toEqual(bystanders);
  await Promise.all([rival.close(), observer.close()]);
});

/** The rows of all machines except the two. */
async function others(): Promise<Contents> {
  const ids = [one.after['id'], other.after['id']];
  const [rows = [], history = []] = await session.contentsOf(byHand);
  return [rows, history].map((all) =>
    all.filter((row) => !ids.includes(Reflect.get(row, 'id') ?? Reflect.get(row, 'order_id'))),
  );
}

/** Runs statements that begin before the rival's transaction ends, and must wait for it. */
async function race(
  rivals: readonly string[],
  end: 'COMMIT' | 'ROLLBACK',
  statements: readonly string[],
): Promise<Outcome> {
  await rival.query('BEGIN');
  for (const statement of rivals) await rival.query(statement);
  const outcome = session.outcomeOf(statements);
  for (let isWaiting = false; !isWaiting;) {
    const waiting = await observer.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    isWaiting = waiting.length > 0;
  }
  await rival.query(end);
  return outcome;
}

test.each([
  ['READ COMMITTED', '23000', 'does not follow the one before'],
  ['REPEATABLE READ', '40001', 'serialize'],
  ['SERIALIZABLE', '40001', 'serialize'],
])(
  'the second of two concurrent changes of one machine is refused (%s)',
  async (level, code, why) => {
    const again = byHand.statements(one, {
      record: { version: 'version + 1' },
      transition: {
        version: `(SELECT version FROM ${records} WHERE id = '${String(one.after['id'])}')`,
      },
    });
    const outcome = await race(byHand.statements(one), 'COMMIT', [
      `SET TRANSACTION ISOLATION LEVEL ${level}`,
      `SELECT FROM ${records}`,
      ...again,
    ]);
    expect(outcome).toEqual({ code, message: expect.stringContaining(why) });
  },
);

/** A change that takes the next position without moving the ledger. */
const unannounced = (): string[] => [
  byHand.recordWritten(other),
  byHand.transitionRecorded(other, byHand.positionBefore(-1)),
];

test('a position that another transaction has committed is refused as taken', async () => {
  const outcome = await race(byHand.statements(one), 'COMMIT', unannounced());
  expect(outcome).toEqual({ code: '23505', message: expect.stringContaining('position_key') });
});

test('a position that another transaction has rolled back is refused as beyond the ledger', async () => {
  const outcome = await race(byHand.statements(one), 'ROLLBACK', unannounced());
  expect(outcome).toEqual({ code: '23000', message: expect.stringContaining('beyond the ledger') });
});

test('a move of the ledger to where another transaction has moved it is refused', async () => {
  const [row] = await session.query<{ position: string }>(`SELECT position FROM ${ledger}`);
  const outcome = await race(byHand.statements(one), 'COMMIT', [
    `UPDATE ${ledger} SET position = ${Number(row?.position) + 2}`,
    byHand.recordWritten(other),
    byHand.transitionRecorded(other, byHand.positionBefore(1)),
  ]);
  expect(outcome).toEqual({ code: '23505', message: expect.stringContaining('position_key') });
});
