/** A machine: a declaration that has been checked, and the base of each of its states' classes. */
import type { Declaration, RecordIn, StateOf } from './declaration';
import { PLAN, Phase } from './phase';
import { type Plan, planOf } from './plan';
import type { Checked } from './rules';

/** What a class of phases extends. */
export type PhaseBase<D extends Declaration, S extends StateOf<D>> = new (
  state: RecordIn<D, S>,
) => Phase<D, S>;

export class Machine<D extends Declaration> {
  /** What many of them are called. Their table has this name in snake case. */
  readonly plural: string;
  /** Whether it takes the names without its own in front. */
  readonly bare: boolean;
  /** What phases and steps look up. */
  readonly plan: Plan;

  constructor(
    readonly name: string,
    readonly declaration: D,
  ) {
    this.plural = declaration.plural ?? `${name.charAt(0).toLowerCase()}${name.slice(1)}s`;
    this.bare = declaration.bare ?? false;
    this.plan = planOf(declaration);
  }

  /** The base of the class of `state`, which is to have a verb for each event that the state accepts. */
  phase<const S extends StateOf<D>>(state: S): PhaseBase<D, S> {
    const plan = this.plan.states[state];
    if (plan === undefined) throw new TypeError(`${state} is no state of ${this.name}.`);
    class StatePhase extends Phase<D, S> {}
    Object.defineProperties(StatePhase.prototype, {
      stateType: { value: state },
      nextEvents: { value: plan.nextEvents },
      [PLAN]: { value: plan },
    });
    return StatePhase;
  }
}

/** Declares a machine. `name` is in the singular, and begins with a capital letter. */
export function machine<const D extends Declaration>(
  name: string,
  declaration: D & Checked<D>,
): Machine<D> {
  return new Machine<D>(name, declaration);
}
