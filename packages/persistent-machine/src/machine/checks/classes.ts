/** Checks at run time that each state has a class, and that each class has exactly the verbs of the declaration. */
import type { Machine } from '../machine';
import type { MachinePhase } from '../record';

/** The class of any state. */
export type PhaseClass = new (state: never) => MachinePhase;

/** @throws TypeError with one sentence for each fault, which names the place and the rule */
export function checkClasses(
  machine: Machine,
  classes: Readonly<Record<string, PhaseClass>>,
): void {
  const faults = [...machine.plan.states.keys()].flatMap((state) => {
    const phase = Object.hasOwn(classes, state) ? classes[state] : undefined;
    return phase === undefined
      ? [`the state ${state} has no class`]
      : [...classFaults(machine, state, phase)];
  });
  for (const name of Object.keys(classes).filter((state) => !machine.plan.states.has(state))) {
    faults.push(`the class ${name} belongs to no state`);
  }
  if (faults.length > 0) {
    throw new TypeError(faults.map((why) => `${machine.name}: ${why}.`).join('\n'));
  }
}

function* classFaults(
  { name, plan, declaration }: Machine,
  state: string,
  phase: PhaseClass,
): Iterable<string> {
  // Each base has its own list of events, so identity tells it from a base of another machine.
  const prototype = phase.prototype as Readonly<Record<string, unknown>>;
  const nextEvents = plan.states.get(state)?.nextEvents ?? [];
  if (prototype['stateType'] !== state || prototype['nextEvents'] !== nextEvents) {
    yield `the class of ${state} must extend the base that ${name} makes for this state`;
    return;
  }
  for (const { event, verb } of plan.events.values()) {
    const able = typeof prototype[verb] === 'function';
    if (event !== declaration.initial.event && able !== nextEvents.includes(event)) {
      yield able
        ? `the state ${state} does not accept ${event}, but its class has ${verb}`
        : `the state ${state} accepts ${event}, but its class lacks ${verb}`;
    }
  }
}
