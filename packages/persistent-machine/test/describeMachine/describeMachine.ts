/**
 * One suite for any machine: it tests the engine's promises on a real PostgreSQL through the real store. It is derived
 * from the declaration, so a new state or event needs no new test. Does not know what a machine is for.
 */
import type { AnyLifecycle } from '../../src/machine';
import { type MigratedDatabase, describeIntegrity } from '../integrity/describeIntegrity';
import { describeFeed } from './feed';
import { describeMatrix } from './matrix';
import { describeMoments } from './moments';
import { describePages } from './pages';
import { describeRaces } from './races';
import { describeReplays } from './replays';
import { type SamplesOf, SampleData } from './sampleData';
import { type Contents, Scene, type SuiteContext } from './Scene';
import { Ways } from './Ways';

export interface MachineTestOptions<L extends AnyLifecycle> {
  /** Data for verbs that need values which the rules of the columns do not describe. */
  readonly samples?: SamplesOf<L>;
}

const PARTS = {
  'each event in each state': describeMatrix,
  retries: describeReplays,
  'the time of an event': describeMoments,
  races: describeRaces,
  pages: describePages,
  'the feed': describeFeed,
} as const satisfies Record<string, (context: SuiteContext) => void>;

/**
 * Describes a machine by tests:
 *
 * ```ts
 * // test/database/ticket.test.ts
 * describeMachine(tickets, createTestDatabase);
 * ```
 *
 * The suite reaches the states with sample data, which keep the rules of the columns or are values of the record. Where
 * a verb needs other data, give some:
 *
 * ```ts
 * describeMachine(orders, createTestDatabase, { samples: { Refund: [{ code: 'R-100' }] } });
 * ```
 *
 * @param lifecycle what `classes(…)` has made of the machine
 * @param open creates a database that has the machine's tables, and no rows of machines. It is called twice
 */
export function describeMachine<L extends AnyLifecycle>(
  lifecycle: L,
  open: () => Promise<MigratedDatabase>,
  { samples = {} }: MachineTestOptions<L> = {},
): void {
  describe(`${lifecycle.machine.name}:`, () => {
    const data = new SampleData(lifecycle, samples);
    const ways = new Ways(lifecycle, data);
    let current: Scene | undefined;
    let bystanders: Contents;
    const scene = (): Scene => {
      if (current === undefined) throw new Error('No test runs.');
      return current;
    };

    beforeAll(async () => {
      current = await Scene.open(lifecycle, open);
      await current.bringBystanders(ways);
      bystanders = await current.bystanders();
    });

    afterEach(async () => {
      const { records, history } = await scene().bystanders();
      expect({ records, history }).toEqual({
        records: bystanders.records,
        history: bystanders.history,
      });
    });

    afterAll(async () => {
      await current?.close();
    });

    describe.each(Object.entries(PARTS))('%s:', (_title, describePart) => {
      describePart({ lifecycle, ways, data, scene });
    });
  });
  describeIntegrity(lifecycle.machine, open);
}
