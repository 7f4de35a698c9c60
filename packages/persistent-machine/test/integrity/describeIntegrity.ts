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
import { ByHand, type Step } from './byHand';
import { type Contents, Session } from './session';

export interface MigratedDatabase {
  readonly url: string;
  /** How many partitions it has; left out: 1. */
  readonly partitions?: number;
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

/** What is tried on a database. */
interface Plan {
  readonly byHand: ByHand;
  /** The steps that bring a machine into each state. */
  readonly ways: ReadonlyMap<string, readonly Step[]>;
  /** By the titles of `GROUPS`. */
  readonly attempts: ReadonlyMap<string, readonly Attempt[]>;
}

/** @param partitions how many the database has */
function planOf(machine: AnyMachine, partitions: number): Plan {
  const byHand = new ByHand(machine, partitions);
  const ways = byHand.ways((state) => byHand.idOf(byHand.states.indexOf(state)));
  const subjects: Subjects = {
    rows: new Map([...ways].map(([state, steps]) => [state, steps.at(-1)?.after ?? {}])),
    unusedId: byHand.idOf(999),
  };
  const attempts = Object.entries(GROUPS).map(
    ([title, of]) => [title, of(byHand, subjects)] as const,
  );
  return { byHand, ways, attempts: new Map(attempts) };
}

/** @param open creates a database that has the machine's tables, and no rows of machines */
export function describeIntegrity(
  machine: AnyMachine,
  open: () => Promise<MigratedDatabase>,
): void {
  describe(`PostgreSQL keeps ${machine.name} as declared:`, () => {
    let database: MigratedDatabase;
    let session: Session;
    let plan: Plan;
    let before: Contents;

    // A machine in each state: an attempt is made on one, with the others as bystanders.
    beforeAll(async () => {
      database = await open();
      session = await Session.open(database.url);
      plan = planOf(machine, database.partitions ?? 1);
      for (const step of [...plan.ways.values()].flat()) {
        await session.commit(plan.byHand.statements(step));
      }
      before = await session.contentsOf(plan.byHand);
    });

    afterAll(async () => {
      await session.close();
      await database.drop();
    });

    afterEach(async () => {
      expect(await session.contentsOf(plan.byHand)).toEqual(before);
    });

    // A machine may have no rules, and no events with data, with any number of partitions.
    const titles = [...planOf(machine, 1).attempts]
      .filter(([, { length }]) => length > 0)
      .map(([title]) => title);
    test.each(titles)('%s', async (title) => {
      const attempts = plan.attempts.get(title) ?? [];
      expect(attempts).not.toEqual([]);
      const outcomes: unknown[] = [];
      for (const { title: attempt, statements } of attempts) {
        outcomes.push({ attempt, outcome: await session.outcomeOf(statements) });
      }
      expect(outcomes).toEqual(
        attempts.map(({ title: attempt, refusal }) => ({
          attempt,
          outcome: refusal
            ? { code: refusal.code, message: expect.stringContaining(refusal.by) }
            : 'accepted',
        })),
      );
    });

    test('every state can be reached, and every CHECK was tried', () => {
      const { byHand, ways, attempts } = plan;
      expect([...ways.keys()].sort()).toEqual([...byHand.states].sort());
      const tried = new Set([...attempts.values()].flat().map(({ refusal }) => refusal?.by));
      const checks = [recordChecks, historyChecks, ledgerChecks].flatMap((of) => of(byHand.shape));
      expect(checks.map(({ name }) => name).filter((name) => !tried.has(name))).toEqual([]);
    });
  });
}
