/**
 * Whether what a verb made of a phase can be recorded at all. What a class makes by `become` cannot fail here, but a
 * class may use `new` as well. What fails is a programming error, and is thrown. What a caller does wrong is a refusal,
 * and no concern of this.
 */
import type { EventPlan, StatePlan } from './plan';
import type { AnyRecord, MachinePhase, MachineRecord } from './record';
import { OccurredAtOutOfRange, type Refusal } from './refusals';

/** Why a record cannot be of a state, as the end of a sentence; undefined where it can. */
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

/** @throws TypeError where the refusal is neither the guard's nor one that the event lists */
export function checkRefusal({ event, verb, refusals }: EventPlan, refusal: Refusal): void {
  if (refusal instanceof OccurredAtOutOfRange) return;
  if (refusals.some((listed) => refusal instanceof listed)) return;
  const { name } = refusal.constructor;
  throw new TypeError(`${verb} has refused with ${name}, which ${event} does not list.`);
}

/**
 * @param to the plan of the state that `after` is of
 * @throws TypeError where the event does not make that of the phase
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
    throw new TypeError(`${event} has made a ${to.state} whose record says ${is.stateType}.`);
  }
  if (is.id !== was.id) throw new TypeError(`${event} has made another machine of ${was.id}.`);
  if (is.version !== was.version + 1) {
    throw new TypeError(
      `${event} follows version ${String(was.version)} by version ${String(is.version)}.`,
    );
  }
  if (is.createdAt.getTime() !== was.createdAt.getTime()) {
    throw new TypeError(`${event} has changed when ${was.id} began.`);
  }
  const wrong = contradiction(to, is);
  if (wrong !== undefined) throw new TypeError(`${event} has made a ${to.state}, ${wrong}.`);
  // The verb of another event would have set that one's column.
  const occurredAt = (is as AnyRecord)[moment];
  if (!(occurredAt instanceof Date) || occurredAt.getTime() !== after.occurredAt.getTime()) {
    throw new TypeError(
      `${event} has made a ${to.state} that did not last occur at its ${moment}.`,
    );
  }
  // Not a comparison the other way round: an invalid date is neither before nor after.
  if (!(occurredAt.getTime() >= before.occurredAt.getTime())) {
    throw new TypeError(`${event} occurred before what it follows, or at no time at all.`);
  }
}
