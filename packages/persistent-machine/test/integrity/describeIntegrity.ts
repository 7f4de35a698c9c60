/**
 * Tests what PostgreSQL itself accepts and refuses for any machine, from any client. Derived from the machine's
 * declaration.
 */
import { historyChecks, ledgerChecks, recordChecks } from '../../src/integrity/checks';
import type { AnyMachine } from '../../src/machine';
import {
  type Attempt,
  type Subjects,
  data,
  eventsAndColumns,
  moments,
  rules,
  statesAndColumns,
  transitions,
} from './attempts';
import { historyAttempts } from './attemptsOnHistory';
import { ledgerAttempts } from './attemptsOnLedger';
import { recordAttempts } from './attemptsOnRecord';
import { ByHand } from './byHand';
import { type Contents, Session } from './session';

export interface MigratedDatabase {
  readonly url: string;
  readonly drop: () => Promise<void>;
}

const GROUPS = {
  'a state has its columns, and none that it cannot hold': statesAndColumns,
  'an event changes the columns that it sets, and no others': eventsAndColumns,
  'an event leads from a state only to its declared targets': transitions,
  'a transition occurred at its moment, and not before the one that it follows': moments,
  'a column keeps its rules': rules,
  'an event carries its data': data,
  'a record changes by its next transition': recordAttempts,
  'the history records only transitions that were made': historyAttempts,
  'the ledger counts only what was recorded': ledgerAttempts,
} as const satisfies Record<string, (byHand: ByHand, subjects: Subjects) => Attempt[]>;

/**
 * @param open creates a database that has the machine's tables, and no rows of machines
 * @param partitions how many that database has
 */
export function describeIntegrity(
  machine: AnyMachine,
  open: () => Promise<MigratedDatabase>,
  partitions = 1,
): void {
  const byHand = new ByHand(machine, partitions);
  const ways = byHand.ways((state) => byHand.idOf(byHand.states.indexOf(state)));
  const subjects: Subjects = {
    rows: new Map([...ways].map(([state, steps]) => [state, steps.at(-1)?.after ?? {}])),
    unusedId: byHand.idOf(999),
  };

  describe(`PostgreSQL keeps ${machine.name} as declared:`, () => {
    let database: MigratedDatabase;
    let session: Session;
    let before: Contents;

    // A machine in each state: an attempt is made on one, with the others as bystanders.
    beforeAll(async () => {
      database = await open();
      session = await Session.open(database.url);
      for (const step of [...ways.values()].flat()) await session.commit(byHand.statements(step));
      before = await session.contentsOf(byHand);
    });

    afterAll(async () => {
      await session.close();
      await database.drop();
    });

    afterEach(async () => {
      expect(await session.contentsOf(byHand)).toEqual(before);
    });

    const groups = Object.entries(GROUPS).map(
      ([title, of]) => [title, of(byHand, subjects)] as const,
    );
    // A machine may have no rules, and no events with data.
    test.each(groups.filter(([, { length }]) => length > 0))('%s', async (_, attempts) => {
      const outcomes: unknown[] = [];
      for (const { title, statements } of attempts) {
        outcomes.push({ title, outcome: await session.outcomeOf(statements) });
      }
      expect(outcomes).toEqual(
        attempts.map(({ title, refusal }) => ({
          title,
          outcome: refusal
            ? { code: refusal.code, message: expect.stringContaining(refusal.by) }
            : 'accepted',
        })),
      );
    });

    test('every state can be reached, and every CHECK was tried', () => {
      expect([...ways.keys()].sort()).toEqual([...byHand.states].sort());
      const tried = new Set(
        groups.flatMap(([, attempts]) => attempts.map(({ refusal }) => refusal?.by)),
      );
      const checks = [recordChecks, historyChecks, ledgerChecks].flatMap((of) => of(byHand.shape));
      expect(checks.map(({ name }) => name).filter((name) => !tried.has(name))).toEqual([]);
    });
  });
}
