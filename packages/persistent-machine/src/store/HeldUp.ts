/**
 * Entries that another transaction's lock holds up. They wait here, outside of queues and statements, to avoid
 * head-of-line blocking, and are tried again after growing pauses: another instance's group releases its locks within
 * milliseconds, but an operator's session may keep one for minutes. Entries with the same key wait together. This file
 * does not know what is locked, nor how entries are tried.
 */
import type { Rivals } from './Queue';

/** A statement's answer for an entry that another transaction's lock holds up: neither applied nor lost. */
export const HELD_UP = Symbol('held up');

/** The longest pause after the first try, in milliseconds. It doubles with each further one, up to a limit. */
const FIRST_PAUSE = 4;
const LONGEST_PAUSE = 250;

interface Pause<Entry, Result> {
  readonly rivals: Rivals<Entry, Result>;
  readonly end: () => void;
  endsAt: number;
  timer: NodeJS.Timeout;
}

export class HeldUp<Entry, Result> {
  readonly #pauses = new Map<string, Pause<Entry, Result>>();
  #length = 0;

  /** How many entries wait here. */
  get length(): number {
    return this.#length;
  }

  /**
   * @param rivals at least one
   * @param goAgain called with them, and with entries that joined them, after the pause, or at the first of their
   *   deadlines
   */
  hold(rivals: Rivals<Entry, Result>, goAgain: (rivals: Rivals<Entry, Result>) => void): void {
    const [first] = rivals;
    if (first === undefined || this.join(rivals)) return;
    const { key } = first;
    const pause = Math.random() * Math.min(FIRST_PAUSE * 2 ** first.heldUp, LONGEST_PAUSE);
    first.heldUp += 1;
    const end = (): void => {
      this.#pauses.delete(key);
      this.#length -= rivals.length;
      goAgain(rivals);
    };
    const endsAt = Math.min(performance.now() + pause, firstDeadline(rivals));
    this.#pauses.set(key, { rivals, end, endsAt, timer: endAt(endsAt, end) });
    this.#length += rivals.length;
  }

  /** @returns whether entries with the same key wait here; if so, the others now wait with them */
  join(others: Rivals<Entry, Result>): boolean {
    const [first] = others;
    const pause = first && this.#pauses.get(first.key);
    if (pause === undefined) return false;
    for (const other of others) pause.rivals.push(other);
    this.#length += others.length;
    const deadline = firstDeadline(others);
    if (deadline < pause.endsAt) {
      clearTimeout(pause.timer);
      pause.endsAt = deadline;
      pause.timer = endAt(deadline, pause.end);
    }
    return true;
  }
}

function endAt(time: number, end: () => void): NodeJS.Timeout {
  return setTimeout(end, Math.max(1, Math.ceil(time - performance.now())));
}

function firstDeadline(waiting: readonly { readonly deadline: number }[]): number {
  return waiting.reduce((first, { deadline }) => Math.min(first, deadline), Infinity);
}
