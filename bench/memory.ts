/** The memory of processes, as Linux tells it in /proc; elsewhere it is not a number. */
import { readFileSync } from 'node:fs';

/** @returns how many bytes of memory a process occupies now (its resident set) */
export function memoryOf(pid: number): number {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    // It has ended, or there is no /proc.
    return NaN;
  }
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(text)?.[1]) * 1_024;
}
