/** What the classes of a machine's phases must not be, when they are put to it. */
import type { Machine } from '../machine';
import type { MachinePhase } from '../record';

/** The class of a state, of which nothing is known but that. */
export type PhaseClass = new (state: never) => MachinePhase;

/** @throws TypeError with a sentence for each fault, which names its place and the rule */
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
    faults.push(`the class ${name} is of no state`);
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
  // A machine has one base for each state.
  const prototype = phase.prototype as Readonly<Record<string, unknown>>;
  const nextEvents = plan.states.get(state)?.nextEvents ?? [];
  if (prototype['stateType'] !== state || prototype['nextEvents'] !== nextEvents) {
    yield `the class of ${state} must extend the base that ${name} gives for it`;
    return;
  }
  for (const { event, verb } of plan.events.values()) {
    const able = typeof prototype[verb] === 'function';
    if (event !== declaration.initial.event && able !== nextEvents.includes(event)) {
      yield able
        ? `the state ${state} does not accept ${event}, and its class has ${verb}`
        : `the state ${state} accepts ${event}, and its class lacks ${verb}`;
    }
  }
}
