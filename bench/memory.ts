/** The memory of processes, from Linux's /proc. On other systems it is NaN. */
import { readFileSync } from 'node:fs';

/** @returns the resident set of a process, in bytes */
export function memoryOf(pid: number): number {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    // The process has ended, or there is no /proc.
    return NaN;
  }
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(text)?.[1]) * 1_024;
}
