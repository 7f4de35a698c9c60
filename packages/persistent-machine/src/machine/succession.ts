/**
 * Whether what a step made of a phase can be recorded at all. A machine written in TypeScript cannot be made to
 * fail here, as long as its steps are called by their own events; so what fails is a programming error, and is
 * thrown. What a caller may do wrong is a refusal, and no concern of this.
 */
import { type MachineDefinition, edgesOf } from './definition';
import type { MachinePhase, MachineRecord } from './record';

/** @throws TypeError where no state accepts the event */
export function checkEvent(machine: MachineDefinition, event: string): void {
  for (const accepted of Object.values(machine.transitions)) {
    if (Object.hasOwn(accepted, event)) return;
  }
  const events = edgesOf(machine).flatMap(({ from, event: known }) => (from === null ? [] : known));
  throw new TypeError(`No state accepts ${event}; there are ${[...new Set(events)].join(', ')}.`);
}

/** @throws TypeError where the machine does not begin by this event, or in this phase */
export function checkBeginning(
  { initial }: MachineDefinition,
  event: string,
  { stateType, state: { version, stateType: recorded } }: MachinePhase<MachineRecord>,
): void {
  if (
    event !== initial.event ||
    stateType !== initial.to ||
    recorded !== stateType ||
    version !== 1
  ) {
    throw new TypeError(
      `${event} begins ${stateType} at version ${version}, ` +
        `where ${initial.event} begins ${initial.to} at version 1.`,
    );
  }
}

/** @throws TypeError where the event does not make that of the phase */
export function checkSuccession(
  machine: MachineDefinition,
  event: string,
  before: MachinePhase<MachineRecord>,
  after: MachinePhase<MachineRecord>,
): void {
  const { state: was, stateType: from } = before;
  const { state: is, stateType: to } = after;
  const leadsTo = machine.transitions[from]?.[event];
  if (to !== leadsTo || is.stateType !== to) {
    const accepted = leadsTo === undefined ? 'accepts no such event' : `leads to ${leadsTo}`;
    throw new TypeError(`${event} has made ${from} ${to}, where ${from} ${accepted}.`);
  }
  if (is.id !== was.id) throw new TypeError(`${event} has made another machine of ${was.id}.`);
  if (is.version !== was.version + 1) {
    throw new TypeError(`${event} follows version ${was.version} by version ${is.version}.`);
  }
  if (is.createdAt.getTime() !== was.createdAt.getTime()) {
    throw new TypeError(`${event} has changed when ${was.id} began.`);
  }
  // Not a comparison the other way round: an invalid date is neither before nor after.
  if (!(after.occurredAt >= before.occurredAt)) {
    throw new TypeError(`${event} occurred before what it follows, or at no time at all.`);
  }
}
