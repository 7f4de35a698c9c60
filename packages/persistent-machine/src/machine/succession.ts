/**
 * Checks that what a verb returned can be recorded. A phase made by `become` always passes, but a class may also use
 * `new`. A failure is an error of the machine's author, and thrown; mistakes of callers are refusals.
 */
import type { EventPlan, StatePlan } from './plan';
import type { AnyRecord, MachinePhase, MachineRecord } from './record';
import { OccurredAtOutOfRange, type Refusal } from './refusals';

/** Why a record contradicts its state, as the end of a sentence; undefined if it does not. */
export function contradiction({ holdings }: StatePlan, record: MachineRecord): string | undefined {
  const values = record as AnyRecord;
  for (const { column, holds } of holdings) {
    const value = values[column];
    if (value === undefined) return `but does not say whether it has ${column}`;
    if (value === null ? holds === 'always' : holds === 'never') {
      return value === null ? `but has no ${column}` : `but has ${column}`;
    }
  }
  return undefined;
}

/** @throws TypeError if the refusal is neither the guard's nor one that the event lists */
export function checkRefusal({ event, verb, refusals }: EventPlan, refusal: Refusal): void {
  if (refusal instanceof OccurredAtOutOfRange) return;
  if (refusals.some((listed) => refusal instanceof listed)) return;
  const { name } = refusal.constructor;
  throw new TypeError(`${verb} refused with ${name}, which ${event} does not list.`);
}

/**
 * @param to the plan of the state of `after`
 * @throws TypeError if `after` cannot follow `before` by this event
 */
export function checkSuccession(
  { event, moment }: EventPlan,
  before: MachinePhase,
  after: MachinePhase,
  to: StatePlan,
): void {
  const { state: was } = before;
  const { state: is } = after;
  if (is.stateType !== to.state) {
    throw new TypeError(`${event} made a ${to.state} whose record says ${is.stateType}.`);
  }
  if (is.id !== was.id) throw new TypeError(`${event} changed the id of ${was.id}.`);
  if (is.version !== was.version + 1) {
    throw new TypeError(
      `${event} made version ${String(is.version)} from version ${String(was.version)}.`,
    );
  }
  if (is.createdAt.getTime() !== was.createdAt.getTime()) {
    throw new TypeError(`${event} changed createdAt of ${was.id}.`);
  }
  const wrong = contradiction(to, is);
  if (wrong !== undefined)
    throw new TypeError(`${event} made a record that says ${to.state}, ${wrong}.`);
  // A verb that performed another event set the column of that event instead.
  const occurredAt = (is as AnyRecord)[moment];
  if (!(occurredAt instanceof Date) || occurredAt.getTime() !== after.occurredAt.getTime()) {
    throw new TypeError(
      `${event} made a ${to.state} whose ${moment} is not the moment of its last transition.`,
    );
  }
  // Do not turn this comparison round: an invalid date is neither before nor after.
  if (!(occurredAt.getTime() >= before.occurredAt.getTime())) {
    throw new TypeError(
      `${event} occurred before the transition that it follows, or at an invalid date.`,
    );
  }
}
