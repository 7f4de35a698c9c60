/** The step of an event: calls the event's verb on a phase, and sees that what comes of it can be recorded. */
import type { AnyStep } from './generic';
import type { EventPlan, StatePlan } from './plan';
import type { MachinePhase } from './record';
import { IllegalTransition, Refusal } from './refusals';
import { checkRefusal, checkSuccession } from './succession';

interface State {
  readonly plan: StatePlan;
  readonly phase: new (state: never) => MachinePhase;
}

/** What an event is in one of the states that accept it. */
interface Acceptance {
  readonly perform: (...said: readonly unknown[]) => MachinePhase | Refusal;
  readonly targets: ReadonlyMap<string, State>;
}

/** @param states by their names; classes that have been checked */
export function stepOf(of: EventPlan, states: ReadonlyMap<string, State>): AnyStep {
  const accepting = new Map<string, Acceptance>();
  for (const { plan, phase } of states.values()) {
    const ways = plan.ways.get(of.event);
    if (ways === undefined) continue;
    // The class has this method: it has been checked.
    const methods = phase.prototype as Readonly<Record<string, Acceptance['perform']>>;
    const perform = methods[of.verb];
    if (perform === undefined) throw new TypeError(`${plan.state} lacks ${of.verb}.`);
    accepting.set(plan.state, {
      perform,
      targets: new Map([...states].filter(([state]) => ways.has(state))),
    });
  }
  return (phase, data, at) => {
    const accepted = accepting.get(phase.stateType);
    if (accepted === undefined) return new IllegalTransition(of.event, phase);
    const outcome = of.takesData
      ? accepted.perform.call(phase, data, at)
      : accepted.perform.call(phase, at);
    if (outcome instanceof Refusal) {
      checkRefusal(of, outcome);
      return outcome;
    }
    const to = accepted.targets.get(outcome.stateType);
    if (to === undefined || !(outcome instanceof to.phase)) {
      const led = [...accepted.targets.keys()].join(' or ');
      throw new TypeError(
        `${of.event} has made ${phase.stateType} ${outcome.stateType}, where it leads to ${led}.`,
      );
    }
    checkSuccession(of, phase, outcome, to.plan);
    return outcome;
  };
}
