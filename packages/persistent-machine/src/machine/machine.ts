/** A machine: a checked declaration, and the base classes of its states. */
import { checkDeclaration } from './checks/declaration';
import type { Declaration, Outline } from './declaration';
import { type PhaseBase, baseOf } from './phase';
import { type Plan, planOf } from './plan';
import type { StateOf } from './reading';
import type { Checked } from './rules';

export class Machine<D extends Outline = Declaration> {
  readonly declaration: D;
  /** The plural of the name. The table has this name in snake case. */
  readonly plural: string;
  /** Whether its GraphQL names lack the machine's name as a prefix. */
  readonly bare: boolean;
  /** What phases and steps look up, computed once. */
  readonly plan: Plan;

  /** @param name in the singular, in Pascal case */
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

  /** The class that the class of `state` extends. */
  phase<S extends StateOf<D>>(state: S): PhaseBase<D, S> {
    const plan = this.plan.states.get(state);
    if (plan === undefined) throw new TypeError(`${state} is not a state of ${this.name}.`);
    return baseOf(plan);
  }
}

/**
 * Declares a machine.
 *
 * @param name in the singular, in Pascal case: `PurchaseOrder`
 * @throws TypeError with one sentence for each fault of the declaration
 */
export function machine<const D extends Outline>(
  name: string,
  // The compiler could not infer D from a plain `Checked<D>`.
  declaration: [D] extends [Checked<D>] ? D : Checked<D>,
): Machine<D> {
  // A D that passes `Checked` is a declaration, but the compiler cannot conclude that for every D.
  return new Machine<D>(name, declaration as D & Declaration);
}
