/** The step of an event: calls the event's verb on a phase, and sees that what comes of it can be recorded. */
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

/** What an event is in one of the states that accept it. */
interface Acceptance {
  readonly perform: (...said: readonly unknown[]) => MachinePhase | Refusal;
  readonly targets: ReadonlyMap<string, ClassedState>;
}

/** @param states by their names */
export function stepOf(of: EventPlan, states: ReadonlyMap<string, ClassedState>): AnyStep {
  const { event, takesData, verb } = of;
  const accepting = new Map<string, Acceptance>();
  for (const { phase, plan } of states.values()) {
    const ways = plan.ways.get(event);
    if (ways === undefined) continue;
    const targets = new Map([...states].filter(([state]) => ways.has(state)));
    // The class has this method, which has been checked.
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
        `${event} has made ${phase.stateType} ${outcome.stateType}, where it leads to ${targets}.`,
      );
    }
    checkSuccession(of, phase, outcome, to.plan);
    return outcome;
  };
}
