/** The CPU time of processes, as Linux tells it in /proc; elsewhere it is not a number. */
import { readFileSync, readdirSync } from 'node:fs';

/** In which /proc counts: a constant of Linux' interface, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

interface ProcessTimes {
  readonly parent: number;
  /** Of the process itself, in ticks. */
  readonly own: number;
  /** Of its children that have ended, and of theirs, in ticks. */
  readonly ended: number;
}

/** @returns the CPU time of a process so far, in seconds, on all its threads */
export function processorTimeOf(pid: number): number {
  const times = timesOf(pid);
  return times === undefined ? NaN : times.own / TICKS_PER_SECOND;
}

/** @returns the CPU time of a process and of all children that it has or had, in seconds */
export function processorTimeOfFamily(pid: number): number {
  const times = timesOf(pid);
  if (times === undefined) return NaN;
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => timesOf(Number(name)))
    .filter((child) => child?.parent === pid);
  const ticks = children.reduce((sum, child) => sum + (child?.own ?? 0), times.own + times.ended);
  return ticks / TICKS_PER_SECOND;
}

/** @returns the process that started it, or undefined where that cannot be known */
export function parentOf(pid: number): number | undefined {
  return timesOf(pid)?.parent;
}

function timesOf(pid: number): ProcessTimes | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // It has ended, or there is no /proc.
    return undefined;
  }
  // After the program's name, which is in parentheses and may have some itself: the fields from the third on.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return { parent: field(4), own: field(14) + field(15), ended: field(16) + field(17) };
}
