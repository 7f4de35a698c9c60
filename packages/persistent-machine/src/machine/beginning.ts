/** The beginning of a machine: its first record, made of the data of the initial event. */
import type { EventPlan } from './plan';
import type { MachinePhase, MachineRecord } from './record';
import type { ClassedState } from './step';
import { contradiction } from './succession';

type Begin = (id: string, data: Readonly<Record<string, unknown>>, now: Date) => MachinePhase;

/** @param state in which the machine begins by `event` */
export function beginningOf({ event, sets }: EventPlan, { plan, phase }: ClassedState): Begin {
  // All that does not change is copied at once.
  const blank = {
    id: null,
    version: 1,
    stateType: plan.state,
    createdAt: null,
    updatedAt: null,
    ...Object.fromEntries(plan.holdings.map(({ column }) => [column, null])),
  };
  return (id, data, now) => {
    const record: MachineRecord & Record<string, unknown> = {
      ...blank,
      id,
      createdAt: now,
      updatedAt: now,
    };
    for (const column of sets) record[column] = data[column] ?? null;
    const wrong = contradiction(plan, record);
    if (wrong !== undefined) throw new TypeError(`${event} begins ${plan.state}, ${wrong}.`);
    return new phase(record);
  };
}
