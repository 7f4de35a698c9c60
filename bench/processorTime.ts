/** The CPU time of processes, from Linux's /proc. On other systems it is NaN. */
import { readFileSync, readdirSync } from 'node:fs';

/** The unit of /proc. It is a constant of Linux's interface, independent of the kernel's own clock. */
const TICKS_PER_SECOND = 100;

interface ProcessTimes {
  readonly parent: number;
  /** The ticks of the process itself. */
  readonly own: number;
  /** The ticks of its ended descendants. */
  readonly ended: number;
}

/** @returns the CPU time of all threads of a process, in seconds */
export function processorTimeOf(pid: number): number {
  const times = timesOf(pid);
  return times === undefined ? NaN : times.own / TICKS_PER_SECOND;
}

/** @returns the CPU time of a process and all its children, running or ended, in seconds */
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

/** @returns the parent process; undefined if it is unknown */
export function parentOf(pid: number): number | undefined {
  return timesOf(pid)?.parent;
}

function timesOf(pid: number): ProcessTimes | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // The process has ended, or there is no /proc.
    return undefined;
  }
  // The fields from the third on. They follow the program's name, which is in parentheses and may contain some.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return { parent: field(4), own: field(14) + field(15), ended: field(16) + field(17) };
}
