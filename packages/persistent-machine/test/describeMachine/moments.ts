/** Tests the range of occurredAt: not before the machine's last transition, and not in the future. */
import {
  CLOCK_TOLERANCE,
  type MachinePhase,
  OccurredAtOutOfRange,
  Refusal,
} from '../../src/machine';
import { KEY, type SuiteContext, anonymous } from './Scene';
import { type Asked, momentOf } from './Ways';

export function describeMoments({ lifecycle, ways, scene }: SuiteContext): void {
  const legal = lifecycle.edges.filter(({ from }) => from !== null);

  test.each(legal)(
    '$event from $from to $to is accepted in its range of time, and refused outside it',
    async (edge) => {
      const { walk, asked } = ways.along(edge);
      const before = await scene().bring(walk);
      const { now } = momentOf(before.state.version);
      const [earliest, latest] = [before.occurredAt, new Date(now.getTime() + CLOCK_TOLERANCE)];
      for (const occurredAt of [
        new Date(0),
        new Date(earliest.getTime() - 1),
        new Date(latest.getTime() + 1),
      ]) {
        expect(await scene().expectUnchanged(async () => ask(before, asked, occurredAt))).toEqual(
          new OccurredAtOutOfRange(occurredAt, earliest, latest),
        );
      }

      // The refusal has left no trace: its key is free.
      await expectAccepted(before, asked, earliest, earliest);
      await expectAccepted(await scene().bring(walk), asked, latest, latest);
      await expectAccepted(await scene().bring(walk), asked, undefined, now);
      const another = await scene().bring(walk);
      // A caller is not refused because the clock of this instance is behind that of the last one.
      scene().clock = new Date(earliest.getTime() - 1);
      await expectAccepted(another, asked, undefined, earliest);
    },
  );

  async function ask(
    { state }: MachinePhase,
    { event, data }: Asked,
    occurredAt: Date | undefined,
  ): Promise<MachinePhase | Refusal> {
    const request = { ...anonymous, occurredAt, idempotencyKey: KEY };
    return scene().here.store.transition(state.id, event, data, request);
  }

  /** Asks, and expects the machine's own answer for that moment, which may be a refusal of its own. */
  async function expectAccepted(
    before: MachinePhase,
    asked: Asked,
    occurredAt: Date | undefined,
    expected: Date,
  ): Promise<void> {
    const { clock: now, there } = scene();
    const answer = await ask(before, asked, occurredAt);
    const { event, data } = asked;
    expect(answer).toEqual(lifecycle.step(event)(before, data, { now, occurredAt }));
    expect(answer).not.toBeInstanceOf(OccurredAtOutOfRange);
    if (answer instanceof Refusal) return;
    expect(answer.occurredAt).toEqual(expected);
    const { nodes } = await there.reader.history(before.state.id, { from: 'end', size: 1 });
    expect(nodes).toMatchObject([{ event, occurredAt: expected, recordedAt: now, phase: answer }]);
  }
}
