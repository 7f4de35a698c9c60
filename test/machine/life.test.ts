/** The full matrix of the machine, derived from its list: every state with every event. */
import { CLOCK_TOLERANCE, type RecordOf } from 'persistent-machine/machine';
import {
  Alive,
  CorruptRecord,
  Dead,
  Gestating,
  IllegalTransition,
  type LifeState,
  OccurredAtOutOfRange,
  type Phase,
  match,
  phaseOf,
  life,
  lives,
} from '../../src/machine';

const conceivedAt = new Date('2026-01-01T00:00:00.000Z');
const bornAt = new Date('2026-02-01T00:00:00.000Z');
const now = new Date('2026-03-01T00:00:00.000Z');
const id = '01890a5d-ac96-774b-bcce-b302099a8057';

const common = { id, createdAt: conceivedAt, updatedAt: conceivedAt };
const phases: Record<LifeState, Phase> = {
  Gestating: new Gestating({
    ...common,
    version: 1,
    stateType: 'Gestating',
    bornAt: null,
    diedAt: null,
  }),
  Alive: new Alive({ ...common, version: 2, stateType: 'Alive', bornAt, diedAt: null }),
  Dead: new Dead({ ...common, version: 3, stateType: 'Dead', bornAt, diedAt: bornAt }),
};

/** Calls a transition by its name. The compiler allows that only if every phase has it. */
function attempt(phase: Phase, method: string): unknown {
  const transition: unknown = Reflect.get(phase, method);
  return typeof transition === 'function' ? Reflect.apply(transition, phase, [{ now }]) : undefined;
}

const edges = lives.edges;
/** All events except the one that begins a life. */
const steps = ['Birth', 'Death'] as const;
const matrix = lives.states.flatMap((from) =>
  steps.map((event) => ({
    from,
    event,
    to: edges.find((edge) => edge.from === from && edge.event === event)?.to,
  })),
);
const legal = matrix.filter(({ to }) => to !== undefined);
const illegal = matrix.filter(({ to }) => to === undefined);

describe('the machine has exactly the transitions of its list', () => {
  test.each(legal)('$from becomes $to by $event', ({ from, event, to }) => {
    const next = attempt(phases[from], life.declaration.events[event].verb);
    expect(next).toBeInstanceOf(phases[to ?? from].constructor);
    expect(next).toMatchObject({
      stateType: to,
      occurredAt: now,
      state: { ...common, stateType: to, version: phases[from].state.version + 1, updatedAt: now },
    });
  });

  test.each(illegal)('$from has no $event', ({ from, event }) => {
    expect(phases[from]).not.toHaveProperty(life.declaration.events[event].verb);
  });

  test('the matrix has every event except the one that begins a life', () => {
    expect(lives.events).toEqual([life.declaration.initial.event, ...steps]);
  });

  test.each(lives.states)('%s lists the events that it accepts', (state) => {
    const accepted = edges.filter(({ from }) => from === state).map(({ event }) => event);
    expect(phases[state].nextEvents).toEqual(accepted);
    expect(lives.nextEvents(state)).toEqual(accepted);
  });

  test('a conception is the first version of a gestating life', () => {
    expect(lives.begin(id, {}, conceivedAt)).toEqual(phases.Gestating);
  });

  test('a life that dies before its birth has no time of birth', () => {
    expect(lives.begin(id, {}, conceivedAt).die({ now })).toMatchObject({
      state: { bornAt: null, diedAt: now },
    });
  });

  test('a transition does not change the phase that it starts from', () => {
    const gestating = lives.begin(id, {}, conceivedAt);
    gestating.birth({ now });
    expect(gestating).toEqual(lives.begin(id, {}, conceivedAt));
  });
});

describe('the guard on occurredAt', () => {
  const alive = new Alive({ ...common, version: 2, stateType: 'Alive', bornAt, diedAt: null });
  const dieAt = (occurredAt: Date | undefined, clock = now): unknown =>
    match(alive, {
      Gestating: () => undefined,
      Alive: (life) => life.die({ occurredAt, now: clock }),
      Dead: () => undefined,
    });
  const after = (date: Date, milliseconds: number): Date => new Date(date.getTime() + milliseconds);

  test.each([
    ['the last transition’s own moment', bornAt],
    ['the clock’s moment', now],
    ['the tolerance ahead of the clock', after(now, CLOCK_TOLERANCE)],
  ])('accepts %s', (_title, occurredAt) => {
    expect(dieAt(occurredAt)).toMatchObject({ state: { diedAt: occurredAt } });
  });

  test.each([
    ['a millisecond before the last transition', after(bornAt, -1)],
    ['a millisecond beyond the tolerance', after(now, CLOCK_TOLERANCE + 1)],
  ])('refuses %s, with the accepted range', (_title, occurredAt) => {
    expect(dieAt(occurredAt)).toEqual(
      new OccurredAtOutOfRange(occurredAt, bornAt, after(now, CLOCK_TOLERANCE)),
    );
  });

  test('takes the clock’s moment by default', () => {
    expect(dieAt(undefined)).toMatchObject({ state: { diedAt: now } });
  });

  test('takes the last transition’s moment by default, if the clock is behind it', () => {
    expect(dieAt(undefined, after(bornAt, -60_000))).toMatchObject({ state: { diedAt: bornAt } });
    expect(dieAt(bornAt, after(bornAt, -60_000))).toMatchObject({ state: { diedAt: bornAt } });
  });
});

describe('a phase is rebuilt from its record', () => {
  test.each(lives.states)('%s', (state) => {
    const rebuilt = phaseOf({ ...phases[state].state });
    expect(rebuilt).toBeInstanceOf(phases[state].constructor);
    expect(rebuilt).toEqual(phases[state]);
  });

  const moments = [null, bornAt];
  const combinations = [...lives.states, 'Undead', 'constructor'].flatMap((stateType) =>
    moments.flatMap((born) => moments.map((died) => ({ stateType, bornAt: born, diedAt: died }))),
  );
  const possible = ({
    stateType,
    bornAt: born,
    diedAt: died,
  }: Partial<RecordOf<typeof lives>>): boolean =>
    (stateType === 'Gestating' && born === null && died === null) ||
    (stateType === 'Alive' && born !== null && died === null) ||
    (stateType === 'Dead' && died !== null);

  test.each(combinations.filter((record) => !possible(record)))(
    'but not from $stateType with bornAt $bornAt and diedAt $diedAt',
    (record) => {
      expect(() => phaseOf({ ...common, version: 2, ...record })).toThrow(CorruptRecord);
    },
  );
});

test('an error names the event, the state that refused it, and the events that the state accepts', () => {
  const { Alive: alive, Dead: dead } = phases;
  expect(new IllegalTransition('Birth', alive)).toMatchObject({
    message: 'Birth is not possible in Alive, which accepts Death.',
    event: 'Birth',
    from: 'Alive',
    nextEvents: ['Death'],
    phase: alive,
  });
  expect(new IllegalTransition('Birth', dead).message).toBe(
    'Birth is not possible in Dead, which accepts nothing any more.',
  );
});

test('match calls the arm of the phase', () => {
  const arms = {
    Gestating: (life: Gestating) => life,
    Alive: (life: Alive) => life,
    Dead: (life: Dead) => life,
  };
  for (const state of lives.states) expect(match(phases[state], arms)).toBe(phases[state]);
});

test('the diagram has every edge, the beginning and the end', () => {
  expect(lives.mermaid()).toBe(
    [
      'stateDiagram-v2',
      '    [*] --> Gestating : Conception',
      '    Gestating --> Alive : Birth',
      '    Gestating --> Dead : Death',
      '    Alive --> Dead : Death',
      '    Dead --> [*]',
    ].join('\n'),
  );
});
