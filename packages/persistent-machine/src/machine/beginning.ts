/** Makes the first phase of a machine from the data of its initial event. The caller gives id and time. */
import type { EventPlan } from './plan';
import type { MachinePhase, MachineRecord } from './record';
import type { ClassedState } from './step';
import { contradiction } from './succession';

type Begin = (id: string, data: Readonly<Record<string, unknown>>, now: Date) => MachinePhase;

/** @returns a function that throws a TypeError where the data lack a column that the initial state has */
export function beginningOf({ event, sets }: EventPlan, { plan, phase }: ClassedState): Begin {
  // The hot path copies this template, and fills in what differs.
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
    if (wrong !== undefined) {
      throw new TypeError(`${event} made a record that says ${plan.state}, ${wrong}.`);
    }
    return new phase(record);
  };
}
