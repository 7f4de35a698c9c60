/** A machine: a declaration that has been checked, and the bases of its states' classes. */
import { checkDeclaration } from './checks/declaration';
import type { Declaration, Outline } from './declaration';
import { type PhaseBase, baseOf } from './phase';
import { type Plan, planOf } from './plan';
import type { StateOf } from './reading';
import type { Checked } from './rules';

export class Machine<D extends Outline = Declaration> {
  readonly declaration: D;
  /** What many of them are called. Their table has this name in snake case. */
  readonly plural: string;
  /** Whether it takes the names without its own in front. */
  readonly bare: boolean;
  /** What phases and steps look up. */
  readonly plan: Plan;

  /** @param name in the singular, and with a capital letter */
  constructor(
    readonly name: string,
    declaration: D & Declaration,
  ) {
    this.declaration = declaration;
    this.plural = declaration.plural ?? `${name.charAt(0).toLowerCase()}${name.slice(1)}s`;
    this.bare = declaration.bare ?? false;
    checkDeclaration(name, this.plural, declaration);
    this.plan = planOf(declaration);
  }

  /** The base of the class of `state`, which is to have a verb for each event that the state accepts. */
  phase<S extends StateOf<D>>(state: S): PhaseBase<D, S> {
    const plan = this.plan.states.get(state);
    if (plan === undefined) throw new TypeError(`${state} is no state of ${this.name}.`);
    return baseOf(plan);
  }
}

/**
 * Declares a machine.
 *
 * @param name in the singular, and with a capital letter: `Order`
 * @throws TypeError where the declaration says what it must not, in a sentence for each place
 */
export function machine<const D extends Outline>(
  name: string,
  // Not a plain `Checked<D>`, from which the compiler could not tell D.
  declaration: [D] extends [Checked<D>] ? D : Checked<D>,
): Machine<D> {
  // What is D and as it should be is a declaration; the compiler cannot follow that in general.
  return new Machine<D>(name, declaration as D & Declaration);
}
