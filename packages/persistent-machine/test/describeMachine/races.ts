/**
 * Tests many clients at once on two instances: the store records one transition after another, and every client gets a
 * true answer.
 */
import { type MachinePhase, Refusal } from '../../src/machine';
import { type SuiteContext, anonymous, newId } from './Scene';
import { type Asked, momentOf } from './Ways';

/** How many clients ask at once. */
const CLIENTS = 50;

export function describeRaces({ lifecycle, ways, data, scene }: SuiteContext): void {
  const { initial } = lifecycle.machine.declaration;
  const legal = lifecycle.edges.filter(({ from }) => from !== null);
  const forked = lifecycle.states.filter((state) => lifecycle.nextEvents(state).length > 1);

  test(`of ${CLIENTS} clients that begin one machine, one begins it, and all get the same answer`, async () => {
    const id = newId();
    const [said] = data.of(initial.event, null);
    const answers = await all(async (index) => store(index).begin(id, said, anonymous));
    const begun = await scene().there.store.find(id);
    expect(begun).toMatchObject({ state: { id, version: 1 } });
    expect(answers).toEqual(answers.map(() => begun));
  });

  test.each(legal)(
    `${CLIENTS} clients that ask for $event from $from to $to at once get true answers`,
    async (edge) => {
      const { walk, asked } = ways.along(edge);
      const won = await race(await scene().bring(walk), [asked]);
      // Where the new state does not accept the event, there is one winner.
      if (!lifecycle.nextEvents(edge.to).includes(edge.event)) expect(won).toHaveLength(1);
    },
  );

  if (forked.length > 0) {
    test.each(forked)(
      `${CLIENTS} clients that ask for all events of %s at once get true answers`,
      async (state) => {
        const { walk } = ways.to(state);
        const before = await scene().bring(walk);
        const options = lifecycle.nextEvents(state).map((event) => ({
          event,
          data: data.of(event, before)[0],
        }));
        await race(before, options);
      },
    );
  }

  test.each(legal)(
    `${CLIENTS} retries of $event from $from to $to with one key are one transition`,
    async (edge) => {
      const { walk, asked } = ways.along(edge);
      const { state } = await scene().bring(walk);
      const request = { ...anonymous, idempotencyKey: 'one key' };
      const answers = await all(async (index) =>
        store(index).transition(state.id, asked.event, asked.data, request),
      );
      expect(answers[0]).toBeInstanceOf(lifecycle.classes[edge.to]);
      expect(answers).toEqual(answers.map(() => answers[0]));
      expect(await scene().there.store.find(state.id)).toEqual(answers[0]);
    },
  );

  function store(index: number): ReturnType<typeof scene>['here']['store'] {
    return scene().instances[index % 2 === 0 ? 0 : 1].store;
  }

  async function all<Answer>(ask: (index: number) => Promise<Answer>): Promise<Answer[]> {
    return Promise.all(Array.from({ length: CLIENTS }, async (_, index) => ask(index)));
  }

  /**
   * Has all clients ask one machine at once. They take the given events in turn.
   *
   * @returns the phases that were recorded, in order
   */
  async function race(
    before: MachinePhase,
    options: readonly Asked[],
  ): Promise<readonly MachinePhase[]> {
    const { id, version } = before.state;
    const of = (index: number): Asked => {
      const asked = options[index % options.length];
      if (asked === undefined) throw new Error('Nothing is asked for.');
      return asked;
    };
    // The clock stands still, so all clients ask at one moment.
    const answers = await all(async (index) =>
      store(index).transition(id, of(index).event, of(index).data, {
        actor: `client ${index}`,
      }),
    );

    // Each recorded version was answered to the client that asked for it, and to no other.
    const { nodes } = await scene().there.reader.history(id, { from: 'end', size: CLIENTS });
    const recorded = nodes.filter(({ phase }) => phase.state.version > version);
    const winners = answers
      .flatMap((answer, index) =>
        answer instanceof Refusal
          ? []
          : [{ answer, event: of(index).event, data: of(index).data, actor: `client ${index}` }],
      )
      .sort((one, other) => one.answer.state.version - other.answer.state.version);
    expect(recorded.map(({ event, phase, actor }) => ({ event, answer: phase, actor }))).toEqual(
      winners.map(({ event, answer, actor }) => ({ event, answer, actor })),
    );
    expect(winners.length).toBeGreaterThan(0);
    expect(recorded.map(({ phase }) => phase.state.version)).toEqual(
      recorded.map((_, index) => version + 1 + index),
    );
    // By the pure machine, each phase follows from the one before: no update was lost.
    const phases = [before, ...recorded.map(({ phase }) => phase)];
    const { now } = momentOf(version);
    for (const [index, { answer, event, data: said }] of winners.entries()) {
      const from = phases[index] ?? before;
      expect(lifecycle.step(event)(from, said, { now })).toEqual(answer);
    }
    // Each other client got an answer that is true of one of these phases.
    for (const [index, answer] of answers.entries()) {
      if (!(answer instanceof Refusal)) continue;
      const { event, data: said } = of(index);
      expect(phases.map((phase) => lifecycle.step(event)(phase, said, { now }))).toContainEqual(
        answer,
      );
    }
    return winners.map(({ answer }) => answer);
  }
}
