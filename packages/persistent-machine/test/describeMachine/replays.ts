/** Tests that asking twice is the same as asking once, on either instance, and after any other transitions. */
import { IdempotencyKeyReused, type MachinePhase } from '../../src/machine';
import { BegunOtherwise } from '../../src/store/BegunOtherwise';
import { KEY, type SuiteContext, anonymous, newId } from './Scene';
import { momentOf } from './Ways';

export function describeReplays({ lifecycle, ways, data, scene }: SuiteContext): void {
  const { machine, edges } = lifecycle;
  const { initial, events } = machine.declaration;
  const asked = Object.keys(events).filter((event) => event !== initial.event);
  const legal = edges.filter(({ from }) => from !== null);

  test('a repeated beginning gets the first answer, even after other transitions', async () => {
    const [said] = data.of(initial.event, null);
    const id = newId();
    const walk = [{ event: initial.event, data: said }] as const;
    const begun = await scene().bring(walk, id);
    const beginAgain = async (): Promise<void> => {
      for (const { store } of scene().instances) {
        expect(await store.begin(id, { ...said }, anonymous)).toEqual(begun);
      }
    };
    await scene().expectUnchanged(beginAgain);
    await move(id, begun);
    await scene().expectUnchanged(beginAgain);
    for (const other of data.others(initial.event, said)) {
      const otherwise = scene().expectUnchanged(async () =>
        scene().there.store.begin(id, other, anonymous),
      );
      await expect(otherwise).rejects.toThrow(new BegunOtherwise(id));
    }
  });

  test.each(legal)(
    'a repeated key gets the first answer of $event from $from to $to',
    async (edge) => {
      const { here, instances } = scene();
      const way = ways.along(edge);
      const { event } = edge;
      const { data: said } = way.asked;
      const id = newId();
      const before = await scene().bring(way.walk, id);
      const { occurredAt } = momentOf(before.state.version);
      const request = { ...anonymous, idempotencyKey: KEY };
      const answer = await here.store.transition(id, event, said, { ...request, occurredAt });
      expect(answer).toBeInstanceOf(lifecycle.classes[edge.to]);

      const askAgain = async (): Promise<void> => {
        const reversed = Object.fromEntries(Object.entries(said).reverse());
        for (const { store } of instances) {
          for (const again of [{}, { occurredAt }, { occurredAt: new Date(occurredAt) }]) {
            const by = { ...request, ...again };
            const replay = await store.transition(id, event, reversed, by);
            expect(replay).toBeInstanceOf(lifecycle.classes[edge.to]);
            expect(replay).toEqual(answer);
          }
        }
      };
      const askOtherwise = async (): Promise<void> => {
        const [earlier, later] = [-1, 1].map((by) => new Date(occurredAt.getTime() + by));
        const otherwise = [
          ...asked
            .filter((each) => each !== event)
            .map((each) => ({ event: each, data: data.of(each, null)[0], occurredAt: null })),
          ...data.others(event, said).map((other) => ({ event, data: other, occurredAt: null })),
          ...[earlier, later].map((moment) => ({ event, data: said, occurredAt: moment })),
        ];
        for (const each of otherwise) {
          const by = { ...request, occurredAt: each.occurredAt };
          const refusal = await here.store.transition(id, each.event, each.data, by);
          expect(refusal).toEqual(new IdempotencyKeyReused(KEY));
        }
      };
      await scene().expectUnchanged(askAgain);
      await scene().expectUnchanged(askOtherwise);
      await move(id, answer as MachinePhase);
      await scene().expectUnchanged(askAgain);
      await scene().expectUnchanged(askOtherwise);
    },
  );

  /** Makes some transitions, if there are any. A machine with a cycle may come back to the same state. */
  async function move(id: string, phase: MachinePhase): Promise<void> {
    let last = phase;
    for (const number of [1, 2, 3]) {
      const next = ways.next(last);
      if (next === undefined) return;
      const { now, occurredAt } = momentOf(last.state.version);
      scene().clock = now;
      const request = { ...anonymous, occurredAt, idempotencyKey: `another key ${number}` };
      const moved = await scene().here.store.transition(id, next.event, next.data, request);
      expect(moved).toMatchObject({ state: { version: last.state.version + 1 } });
      last = moved as MachinePhase;
    }
  }
}
