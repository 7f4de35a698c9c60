/** Asking twice is the same as asking once, on whichever instance, and whatever happened since. */
import { IdempotencyKeyReused, type MachinePhase } from '../../src/machine';
import { BegunOtherwise } from '../../src/store/BegunOtherwise';
import { KEY, type Trying, newId, nobody } from './Scene';
import { momentOf } from './Ways';

export function describeReplays({ lifecycle, ways, data, scene }: Trying): void {
  const { machine, edges } = lifecycle;
  const { initial, events } = machine.declaration;
  const asked = Object.keys(events).filter((event) => event !== initial.event);
  const legal = edges.filter(({ from }) => from !== null);

  test('a machine that is begun again is answered how it began, whatever happened since', async () => {
    const [said] = data.of(initial.event, null);
    const id = newId();
    const walk = [{ event: initial.event, data: said }] as const;
    const begun = await scene().bring(walk, id);
    const beginAgain = async (): Promise<void> => {
      for (const { store } of scene().instances) {
        expect(await store.begin(id, { ...said }, nobody)).toEqual(begun);
      }
    };
    await scene().inVain(beginAgain);
    await move(id, begun);
    await scene().inVain(beginAgain);
    for (const other of data.others(initial.event, said)) {
      const otherwise = scene().inVain(async () => scene().there.store.begin(id, other, nobody));
      await expect(otherwise).rejects.toThrow(new BegunOtherwise(id));
    }
  });

  test.each(legal)('a key tells again what $event in $from came to: $to', async (edge) => {
    const { here, instances } = scene();
    const way = ways.along(edge);
    const { event } = edge;
    const { data: said } = way.asked;
    const id = newId();
    const before = await scene().bring(way.walk, id);
    const { occurredAt } = momentOf(before.state.version);
    const request = { ...nobody, idempotencyKey: KEY };
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
    await scene().inVain(askAgain);
    await scene().inVain(askOtherwise);
    await move(id, answer as MachinePhase);
    await scene().inVain(askAgain);
    await scene().inVain(askOtherwise);
  });

  /** Makes some transitions, as far as there are any: a machine that goes round may be in the same state again. */
  async function move(id: string, phase: MachinePhase): Promise<void> {
    let last = phase;
    for (const number of [1, 2, 3]) {
      const next = ways.next(last);
      if (next === undefined) return;
      const { now, occurredAt } = momentOf(last.state.version);
      scene().clock = now;
      const request = { ...nobody, occurredAt, idempotencyKey: `another key ${number}` };
      const moved = await scene().here.store.transition(id, next.event, next.data, request);
      expect(moved).toMatchObject({ state: { version: last.state.version + 1 } });
      last = moved as MachinePhase;
    }
  }
}
