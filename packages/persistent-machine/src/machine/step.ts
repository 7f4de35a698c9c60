/** The step of an event: it calls the event's verb on a phase, and checks that the result can be recorded. */
import type { AnyStep } from './generic';
import type { EventPlan, StatePlan } from './plan';
import type { MachinePhase, MachineRecord } from './record';
import { IllegalTransition, Refusal } from './refusals';
import { checkRefusal, checkSuccession } from './succession';

/** A state with the class of its phases. */
export interface ClassedState {
  readonly plan: StatePlan;
  readonly phase: new (state: MachineRecord) => MachinePhase;
}

/** How one state accepts an event: the method of its class, and the states that it may return. */
interface Acceptance {
  readonly perform: (...said: readonly unknown[]) => MachinePhase | Refusal;
  readonly targets: ReadonlyMap<string, ClassedState>;
}

/** @returns a function that throws a TypeError if the verb returns what cannot be recorded */
export function stepOf(of: EventPlan, states: ReadonlyMap<string, ClassedState>): AnyStep {
  const { event, takesData, verb } = of;
  const accepting = new Map<string, Acceptance>();
  for (const { phase, plan } of states.values()) {
    const ways = plan.ways.get(event);
    if (ways === undefined) continue;
    const targets = new Map([...states].filter(([state]) => ways.has(state)));
    // `checkClasses` has seen that the class has this method.
    const perform = Reflect.get(phase.prototype as object, verb) as Acceptance['perform'];
    accepting.set(plan.state, { perform, targets });
  }
  return (phase, data, at) => {
    const accepted = accepting.get(phase.stateType);
    if (accepted === undefined) return new IllegalTransition(event, phase);
    const outcome = takesData
      ? accepted.perform.call(phase, data, at)
      : accepted.perform.call(phase, at);
    if (outcome instanceof Refusal) {
      checkRefusal(of, outcome);
      return outcome;
    }
    const to = accepted.targets.get(outcome.stateType);
    if (to === undefined || !(outcome instanceof to.phase)) {
      const targets = [...accepted.targets.keys()].join(' or ');
      throw new TypeError(
        `${event} leads from ${phase.stateType} to ${targets}, ` +
          `but ${verb} returned an object of another class, in state ${outcome.stateType}.`,
      );
    }
    checkSuccession(of, phase, outcome, to.plan);
    return outcome;
  };
}
