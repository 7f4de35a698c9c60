/**
 * Readings that wait out what passes, within a deadline, as the lanes have loads do. They are not grouped: no two
 * of them ask the same. Does not know what is read.
 */
import { setTimeout } from 'node:timers/promises';
import type { Reader } from '../database/Database';
import { Overloaded, isPassing } from '../database/failures';
import { pauseAfter } from './Lane';

export interface PatienceSettings {
  /** How long a reading may wait and try, in milliseconds. */
  readonly timeout: number;
  /** The most readings that are under way; more are refused at once. */
  readonly queueSize: number;
}

/**
 * @returns the same reader, patient: what passes it throws only once the deadline is near
 */
export function patientReads(reader: Reader, { timeout, queueSize }: PatienceSettings): Reader {
  let underWay = 0;
  return {
    run: async (statement, values) => {
      if (underWay >= queueSize) throw new Overloaded('Too many wait already.');
      const deadline = Date.now() + timeout;
      underWay += 1;
      try {
        for (let failures = 0; ; failures += 1) {
          try {
            return await reader.run(statement, values);
          } catch (error) {
            const pause = pauseAfter(failures);
            if (!isPassing(error) || Date.now() + pause >= deadline) throw error;
            await setTimeout(pause);
          }
        }
      } finally {
        underWay -= 1;
      }
    },
  };
}
