/** Lives for show: each goes its way through whatever machine there is, a bounded number of them at a time. */
import { uuidv7 } from 'uuidv7';
import { pause } from '../client/backoff';
import { hasCode } from '../client/failures';
import type { Resend } from '../client/retry';
import { type Facts, isRefusal } from '../machine/answers';
import type { Machine, MachineField } from '../machine/machine';
import { exampleOf } from '../machine/values';
import type { Session } from '../session';
import { beginAs, transition } from './changes';

/** How many lives are under way at once. */
const AT_ONCE = 20;

/** The most events of one life, where the machine has no end. */
const LONGEST_WAY = 10;

/** The longest time between two events of a life, in milliseconds. */
const LONGEST_PAUSE = 600;

/**
 * @param count how many lives
 * @param onEnd is called with each life that has gone its way
 * @param resend whose signal ends all of it
 * @returns once all have, or the signal came
 * @throws the first that failed for a reason that does not pass
 */
export async function live(
  session: Session,
  machine: Machine,
  count: number,
  onEnd: () => void,
  resend: Required<Resend>,
): Promise<void> {
  const { signal } = resend;
  let begun = 0;
  const isOver = (): boolean => signal.aborted || begun >= count;
  const worker = async (): Promise<void> => {
    while (!isOver()) {
      begun += 1;
      await liveOne(session, machine, resend);
      if (!signal.aborted) onEnd();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function liveOne(
  session: Session,
  machine: Machine,
  resend: Required<Resend>,
): Promise<void> {
  const { signal } = resend;
  let life = await beginAs(session, uuidv7(), dataFor(machine.beginning.data), resend);
  /** What it was not let do in the state that it is in. */
  let refused: string[] = [];
  for (let step = 0; step < LONGEST_WAY && !signal.aborted; step += 1) {
    const possible = life.nextEvents.filter((event) => !refused.includes(event));
    // The event that a state names first is the usual one.
    const usual = Math.random() < 0.8 ? 0 : Math.floor(Math.random() * possible.length);
    const event = machine.events.find((each) => each.event === possible[usual]);
    if (event === undefined) return;
    await pause(Math.random() * LONGEST_PAUSE, signal);
    const next = await stepped(session, life, event.event, dataFor(event.data), resend);
    refused = next ? [] : [...refused, event.event];
    life = next ?? life;
  }
}

/** @returns the life after an event, if that was not refused: its data are made up, and may not be allowed */
async function stepped(
  session: Session,
  { id }: Facts,
  event: string,
  data: Readonly<Record<string, unknown>>,
  resend: Resend,
): Promise<Facts | undefined> {
  try {
    const outcome = await transition(session, id, event, data, resend);
    return isRefusal(outcome) ? undefined : outcome;
  } catch (error) {
    if (hasCode(error, 'BAD_USER_INPUT')) return undefined;
    throw error;
  }
}

function dataFor(fields: readonly MachineField[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(fields.map(({ name, type }) => [name, exampleOf(type)]));
}
