/** Tests a machine whose states form a cycle, and the range of occurredAt. */
import { CLOCK_TOLERANCE, type Moment, OccurredAtOutOfRange, Refusal } from '../../src/machine';
import { Closed, type DoorPhase, Open, doors } from './door';

const installedAt = new Date('2026-01-01T00:00:00.000Z');
const after = (date: Date, milliseconds: number): Date => new Date(date.getTime() + milliseconds);
const movedAt = after(installedAt, 60_000);
const now = after(movedAt, 60_000);
const door = doors.begin('a door', {}, installedAt);

function moved(event: Parameters<typeof doors.step>[0], phase: DoorPhase, at: Moment): DoorPhase {
  const next = doors.step(event)(phase, {}, at);
  if (next instanceof Refusal) throw new Error(next.message);
  return next;
}

test('a door goes round, and its one column takes the moment of each event', () => {
  expect(door.occurredAt).toBe(installedAt);
  expect(door.state.movedAt).toBeNull();
  const way = ['Opening', 'Closing', 'Opening', 'Slamming', 'Locking', 'Unlocking'] as const;
  let phase: DoorPhase = door;
  for (const [index, event] of way.entries()) {
    const clock = after(installedAt, index * 1_000);
    phase = moved(event, phase, { now: clock });
    expect(phase.state).toEqual({
      ...door.state,
      version: index + 2,
      stateType: phase.stateType,
      updatedAt: clock,
      movedAt: clock,
    });
    expect(phase.occurredAt).toEqual(clock);
  }
  expect(phase).toBeInstanceOf(Closed);
});

test('a phase occurred at the optional moment of its state, or else at its creation', () => {
  const closed = moved('Closing', moved('Opening', door, { now: movedAt }), { now });
  expect(doors.phaseOf({ ...closed.state }).occurredAt).toEqual(now);
  expect(doors.phaseOf({ ...door.state }).occurredAt).toEqual(installedAt);
});

describe('the check of occurredAt', () => {
  const open = new Open({ ...door.state, version: 2, stateType: 'Open', movedAt });
  const closeAt = (occurredAt: Date | null | undefined, clock = now): unknown =>
    open.close({ occurredAt, now: clock });

  test.each([
    ['the last transition’s own moment', movedAt],
    ['the clock’s moment', now],
    ['the tolerance ahead of the clock', after(now, CLOCK_TOLERANCE)],
  ])('accepts %s', (_title, occurredAt) => {
    expect(closeAt(occurredAt)).toMatchObject({ state: { movedAt: occurredAt, updatedAt: now } });
  });

  test.each([
    ['a millisecond before the last transition', after(movedAt, -1)],
    ['a millisecond beyond the tolerance', after(now, CLOCK_TOLERANCE + 1)],
  ])('refuses %s, and says what it would accept', (_title, occurredAt) => {
    expect(closeAt(occurredAt)).toEqual(
      new OccurredAtOutOfRange(occurredAt, movedAt, after(now, CLOCK_TOLERANCE)),
    );
    expect(closeAt(occurredAt)).toHaveProperty(
      'message',
      `occurredAt ${occurredAt.toISOString()} is out of range: the last transition occurred at ` +
        '2026-01-01T00:01:00.000Z, and the latest that is accepted now is 2026-01-01T00:02:05.000Z.',
    );
  });

  test.each([undefined, null])('takes the clock’s time where it is %s', (none) => {
    expect(closeAt(none)).toMatchObject({ state: { movedAt: now } });
  });

  test('accepts the last transition’s moment when a slow clock is behind it, and refuses no caller', () => {
    const slow = after(movedAt, -60_000);
    expect(closeAt(undefined, slow)).toMatchObject({ state: { movedAt, updatedAt: slow } });
    expect(closeAt(movedAt, slow)).toMatchObject({ state: { movedAt } });
    expect(closeAt(after(movedAt, 1), slow)).toEqual(
      new OccurredAtOutOfRange(after(movedAt, 1), movedAt, movedAt),
    );
  });

  test('throws for an invalid date', () => {
    expect(() => closeAt(new Date(NaN))).toThrow(RangeError);
  });
});
