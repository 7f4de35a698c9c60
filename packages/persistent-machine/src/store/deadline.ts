/** Readings of several requests go together, and each request has a deadline of its own. */
import { Overloaded } from '../database/failures';

/** Made once: under overload a stack for each would take long. */
const TOO_LATE = new Overloaded('The deadline passed before it was read.');

/**
 * @param deadline by `performance.now()`
 * @throws Overloaded at the deadline; what is read later is thrown away
 */
export async function by<T>(deadline: number, reading: Promise<T>): Promise<T> {
  const timeLeft = Math.max(0, Math.ceil(deadline - performance.now()));
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(TOO_LATE);
    }, timeLeft);
  });
  try {
    return await Promise.race([reading, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
