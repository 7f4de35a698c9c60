/**
 * One suite for any machine: all that is promised of a machine, tried on a real PostgreSQL through the real store. It
 * is derived from the declaration, so a state or an event that is added is tested without a line more. It knows
 * nothing of what a machine is for: tests of that lie beside it.
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
import { type Contents, Scene, type Trying } from './Scene';
import { Ways } from './Ways';

export interface MachineTestOptions<L extends AnyLifecycle> {
  /** What events might carry, beside what their columns allow: where a verb wants values that no rule tells of. */
  readonly samples?: SamplesOf<L>;
}

const PARTS = {
  'each event in each state': describeMatrix,
  'what is asked again': describeReplays,
  'the moment of an event': describeMoments,
  'clients that race': describeRaces,
  pages: describePages,
  'the feed': describeFeed,
} as const satisfies Record<string, (trying: Trying) => void>;

/**
 * Describes a machine by tests:
 *
 * ```ts
 * // test/database/ticket.test.ts
 * describeMachine(tickets, createTestDatabase);
 * ```
 *
 * How its states are reached is found by asking the machine with sample data, which keep the rules of the columns or
 * are values of its record. Where a verb wants others, give some:
 *
 * ```ts
 * describeMachine(orders, createTestDatabase, { samples: { Refund: [{ code: 'R-100' }] } });
 * ```
 *
 * @param lifecycle what `classes(…)` has made of the machine
 * @param open gives a database that has the machine's tables, and none of its machines. It is asked for two databases
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
