/**
 * What must compile and what must not. Never run: `tsc` checks it, in `npm run check` and in `npm test`. An
 * `@ts-expect-error` above a line that compiles is itself an error.
 */
import type { Alive, Dead, Gestating, LifeState, Phase, life } from '../../src/machine';
import { match } from '../../src/machine';

declare const gestating: Gestating;
declare const alive: Alive;
declare const dead: Dead;
declare const phase: Phase;
declare const at: { now: Date };

// Every illegal pair of a state and an event, one by one.
// @ts-expect-error an alive life cannot be born again
alive.birth(at);
// @ts-expect-error a dead life cannot be born
dead.birth(at);
// @ts-expect-error a dead life cannot die again
dead.die(at);
// @ts-expect-error nothing can be done with a life before its phase is known
phase.birth(at);
// @ts-expect-error not even dying, which a dead life cannot
phase.die(at);

// All pairs at once: the classes have exactly the methods of the list.
type Declaration = (typeof life)['declaration'];
type Verbs = { [E in 'Birth' | 'Death']: Declaration['events'][E]['verb'] };
type ByClass = {
  [S in LifeState]: Extract<keyof Extract<Phase, { stateType: S }>, Verbs[keyof Verbs]>;
};
type ByList = {
  [S in LifeState]: Declaration['states'][S] extends { accepts: infer A }
    ? Verbs[keyof A & keyof Verbs]
    : never;
};
type Same<A, B> = [A, B] extends [B, A] ? true : false;
export const sameTransitions: Same<ByClass, ByList> = true;

// The state narrows the type of a phase's record.
export const bornAt: Date = alive.state.bornAt;
export const diedAt: Date = dead.state.diedAt;
export const neverBorn: null = gestating.state.bornAt;
// @ts-expect-error a dead life may never have been born
export const surelyBorn: Date = dead.state.bornAt;

// The type of a transition's result is known.
export const born: Alive | { earliest: Date } = gestating.birth(at);
export const died: Dead | { earliest: Date } = alive.die(at);
// @ts-expect-error a birth does not lead to death
export const notDead: Dead | { earliest: Date } = gestating.birth(at);

// @ts-expect-error an arm is missing
match(phase, { Gestating: () => 1, Alive: () => 2 });
// @ts-expect-error an alive life is no gestating one
match(phase, { Gestating: (life: Alive) => life, Alive: () => 2, Dead: () => 3 });
