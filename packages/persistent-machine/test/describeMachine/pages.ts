/**
 * Tests pages of the machines and of one machine's history: in both directions and of any states, none is missing and
 * none comes twice.
 */
import type { MachinePhase } from '../../src/machine';
import type { Page, PageRequest } from '../../src/operations/page';
import type { SuiteContext } from './Scene';

/** Small enough for several pages. */
const SIZE = 3;

export function describePages({ lifecycle, ways, scene }: SuiteContext): void {
  const { states } = lifecycle;
  const filters = [null, [], ...states.map((state) => [state]), states];

  // Several machines in each state, of which some began at the same moment.
  beforeAll(async () => {
    const walks = ways.shortest.map(({ walk }) => walk);
    for (const hour of [2_000, 2_000, 2_001, 2_100]) await scene().bringAll(walks, { hour });
  });

  test.each(['oldestFirst', 'newestFirst'] as const)(
    'machines in any states, %s',
    async (order) => {
      const { reader } = scene().there;
      const all = await machinesByAge();
      if (order === 'newestFirst') all.reverse();
      for (const filter of filters) {
        const wanted = all.filter(({ state }) => filter?.includes(state) ?? true);
        const read = async (request: PageRequest): Promise<Page<MachinePhase>> => {
          const { total, ...page } = await reader.machines(filter, order, request);
          expect(total).toBe(wanted.length);
          return page;
        };
        await turn(wanted, read, {
          keyOf: ({ state }) => [state.createdAt.toISOString(), state.id],
          show: ({ state, stateType }) => ({ id: state.id, state: stateType }),
        });
      }
      // Each node is the machine as it is now.
      const { nodes } = await reader.machines(null, order, { from: 'start', size: SIZE });
      for (const phase of nodes) {
        expect(await scene().here.store.find(phase.state.id)).toEqual(phase);
      }
    },
  );

  test('the history of one machine', async () => {
    const { reader } = scene().there;
    const [longest] = ways.walks;
    const [answers] = await scene().bringAll([longest]);
    if (answers === undefined) throw new Error('It has not begun.');
    const [{ state }] = answers;
    await turn(answers, async (request) => reader.history(state.id, request), {
      keyOf: ({ phase }) => [String(phase.state.version)],
      show: ({ phase }) => phase,
      size: 1,
    });
  });

  /** The machines in the order in which SQL sorts them by age. */
  async function machinesByAge(): Promise<{ readonly id: string; readonly state: string }[]> {
    return scene().query<{ id: string; state: string }>(
      `SELECT id, state_type AS state FROM ${scene().shape.records} ORDER BY created_at, id`,
    );
  }
}

/** Turns all pages, from the start and from the end, and compares each with the expected one. */
async function turn<Node, Wanted>(
  wanted: readonly Wanted[],
  read: (request: PageRequest) => Promise<Page<Node>>,
  {
    keyOf,
    show,
    size = SIZE,
  }: {
    readonly keyOf: (node: Node) => readonly string[];
    readonly show: (node: Node) => Wanted;
    readonly size?: number;
  },
): Promise<void> {
  const last = Math.max(0, Math.ceil(wanted.length / size) - 1);
  for (const from of ['start', 'end'] as const) {
    let at: readonly string[] | undefined;
    for (let number = 0; number <= last; number += 1) {
      const { nodes, ...flags } = await read({
        from,
        size,
        [from === 'start' ? 'after' : 'before']: at,
      });
      const [isFirst, isLast] = [number === 0, number === last];
      expect({ nodes: nodes.map(show), ...flags }).toEqual(
        from === 'start'
          ? {
              nodes: wanted.slice(number * size, (number + 1) * size),
              hasPreviousPage: !isFirst,
              hasNextPage: !isLast,
            }
          : {
              nodes: wanted.slice(
                Math.max(0, wanted.length - (number + 1) * size),
                wanted.length - number * size,
              ),
              hasPreviousPage: !isLast,
              hasNextPage: !isFirst,
            },
      );
      const next = nodes.at(from === 'start' ? -1 : 0);
      at = next && keyOf(next);
    }
  }
}
