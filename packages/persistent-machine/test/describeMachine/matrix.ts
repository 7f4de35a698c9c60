/**
 * Tests each event in each state: the store records it as declared, or refuses it with the reason, and changes nothing
 * else.
 */
import {
  type AnyRecord,
  type Edge,
  IllegalTransition,
  type MachinePhase,
  NotFound,
} from '../../src/machine';
import type { Census } from '../../src/operations/census';
import { partitionOf } from '../../src/operations/partition';
import { KEY, type SuiteContext, anonymous, newId } from './Scene';
import { type Way, momentOf } from './Ways';

export function describeMatrix({ lifecycle, ways, data, scene }: SuiteContext): void {
  const { machine, states, edges } = lifecycle;
  const { initial, events } = machine.declaration;
  const asked = Object.keys(events).filter((event) => event !== initial.event);
  const legal = edges.filter(({ from }) => from !== null);
  const illegal = states.flatMap((state) =>
    asked
      .filter((event) => !lifecycle.nextEvents(state).includes(event))
      .map((event) => ({ state, event })),
  );
  const refusals = Object.entries(events).flatMap(([event, { refusals: own = [] }]) =>
    own.map((refusal) => ({ event, name: refusal.name, refusal })),
  );

  test(`${initial.event} begins a machine in ${initial.to}`, async () => {
    const { here, there } = scene();
    const id = newId();
    const [said] = data.of(initial.event, null);
    const others = await scene().contentsWithout(id);
    const census = await there.reader.census();
    const now = (scene().clock = momentOf(0).now);
    expect(await here.store.find(id)).toBeNull();

    const answer = await here.store.begin(id, said, { actor: 'the first' });
    expect(answer).toBeInstanceOf(lifecycle.classes[initial.to]);
    const common = { id, version: 1, stateType: initial.to, createdAt: now, updatedAt: now };
    expect(answer.state).toEqual({ ...columnsIn(initial.to, {}, said), ...common });
    expect(await there.store.find(id)).toEqual(answer);
    expect(await there.reader.history(id, { from: 'start', size: 10 })).toMatchObject({
      nodes: [
        {
          event: initial.event,
          from: null,
          phase: answer,
          data: carried(initial.event, said),
          occurredAt: now,
          recordedAt: now,
          actor: 'the first',
        },
      ],
    });
    const { [initial.to]: number = 0 } = census.counts;
    await expectCounted(id, census, { ...census.counts, [initial.to]: number + 1 });
    expect(await scene().contentsWithout(id)).toEqual(others);
  });

  test.each(legal)('$event in $from leads to $to', async (edge) => {
    const { here, there } = scene();
    const way = ways.along(edge);
    const id = newId();
    const before = await scene().bring(way.walk, id);
    const others = await scene().contentsWithout(id);
    const census = await there.reader.census();
    const { occurredAt, now } = momentOf(before.state.version);
    const { event } = edge;

    const by = { actor: 'the next', occurredAt };
    const answer = (await here.store.transition(id, event, way.asked.data, by)) as MachinePhase;
    expect(answer).toBeInstanceOf(lifecycle.classes[edge.to]);
    expect(answer.state).toEqual(recordAfter(before, edge, way));
    expect(await there.store.find(id)).toEqual(answer);

    const { nodes } = await there.reader.history(id, { from: 'start', size: 100 });
    expect(nodes.map(({ phase }) => phase).slice(-2)).toEqual([before, answer]);
    expect(nodes.at(-1)).toMatchObject({
      event,
      from: edge.from,
      data: carried(event, way.asked.data),
      occurredAt,
      recordedAt: now,
      actor: 'the next',
    });
    for (const { phase } of nodes) {
      expect(await there.reader.past(id, { version: phase.state.version })).toEqual(phase);
    }
    expect(await there.reader.past(id, { asOf: occurredAt })).toEqual(answer);
    const justBefore = new Date(occurredAt.getTime() - 1);
    expect(await there.reader.past(id, { asOf: justBefore })).toEqual(before);

    const moved = { ...census.counts };
    moved[before.stateType] = (moved[before.stateType] ?? 0) - 1;
    moved[edge.to] = (moved[edge.to] ?? 0) + 1;
    await expectCounted(id, census, moved);
    expect(await scene().contentsWithout(id)).toEqual(others);
  });

  // Each state of a machine may accept every event.
  if (illegal.length > 0) {
    test.each(illegal)('$event in $state is refused, and changes nothing', async (each) => {
      const { state, event } = each;
      const id = newId();
      const before = await scene().bring(ways.to(state).walk, id);
      const [said] = data.of(event, before);
      for (const { store } of scene().instances) {
        const request = { ...anonymous, occurredAt: new Date(0), idempotencyKey: KEY };
        const refusal = await scene().expectUnchanged(async () =>
          store.transition(id, event, said, request),
        );
        expect(refusal).toEqual(new IllegalTransition(event, before));
        const { accepts = {} } = machine.declaration.states[state] ?? {};
        const facts = { event, from: state, nextEvents: Object.keys(accepts), phase: before };
        expect(refusal).toMatchObject(facts);
      }
    });
  }

  if (refusals.length > 0) {
    test.each(refusals)('$event is refused with $name, and changes nothing', async (each) => {
      const { here, there } = scene();
      const way = ways.toRefusal(each.event, each.refusal);
      const id = newId();
      const before = await scene().bring(way.walk, id);
      const { occurredAt } = momentOf(before.state.version);
      const request = { ...anonymous, occurredAt, idempotencyKey: KEY };
      const refusal = await scene().expectUnchanged(async () =>
        here.store.transition(id, each.event, way.asked.data, request),
      );
      expect(refusal).toBeInstanceOf(each.refusal);
      expect(refusal).toEqual(way.outcome);
      expect(await there.store.find(id)).toEqual(before);
    });
  }

  test.each(asked)('%s of an unknown machine is refused, and changes nothing', async (event) => {
    const { here } = scene();
    const id = newId();
    const [said] = data.of(event, null);
    for (const idempotencyKey of [KEY, null]) {
      const request = { ...anonymous, idempotencyKey, occurredAt: new Date(0) };
      expect(
        await scene().expectUnchanged(async () => here.store.transition(id, event, said, request)),
      ).toEqual(new NotFound(machine.name, id));
    }
    expect(await here.store.find(id)).toBeNull();
  });

  /** Expects a census that counts one transition more, of this machine. */
  async function expectCounted(id: string, before: Census, counts: object): Promise<void> {
    const census = await scene().there.reader.census();
    const own = partitionOf(id, before.place.length);
    expect(census.place.map(({ position }) => Number(position))).toEqual(
      before.place.map(({ position }, partition) => Number(position) + (partition === own ? 1 : 0)),
    );
    expect(census).toMatchObject({ ...census.place[census.partition], counts });
  }

  /** The record after an event: declared columns as declared, and computed columns as the pure class returns them. */
  function recordAfter(
    before: MachinePhase,
    edge: Edge,
    { asked: { data: said }, outcome }: Way,
  ): object {
    const { sets = [], at = '' } = events[edge.event] ?? {};
    const { now, occurredAt } = momentOf(before.state.version);
    const computed = (outcome as MachinePhase).state as AnyRecord;
    const set = {
      ...said,
      ...Object.fromEntries(sets.map((column) => [column, computed[column]])),
      [at]: occurredAt,
    };
    return {
      ...columnsIn(edge.to, before.state, set),
      id: before.state.id,
      version: before.state.version + 1,
      stateType: edge.to,
      createdAt: before.state.createdAt,
      updatedAt: now,
    };
  }

  /**
   * The machine's own columns in a state: a set value, else the value before; null where the state cannot hold the
   * column.
   */
  function columnsIn(state: string, before: object, set: object): object {
    const { has = [], may = [] } = machine.declaration.states[state] ?? {};
    const all = { ...before, ...set } as Readonly<Record<string, unknown>>;
    return Object.fromEntries(
      Object.keys(machine.declaration.columns).map((column) => [
        column,
        has.includes(column) || may.includes(column) ? (all[column] ?? null) : null,
      ]),
    );
  }

  /** The data of an event as a transition shows them. */
  function carried(event: string, said: object): object | null {
    return Object.keys(events[event]?.data ?? {}).length === 0 ? null : said;
  }
}
