/** Keeps a request's deadline where its reading is shared with other requests. */
import { Overloaded } from '../database/failures';

/** Made once, to spare a stack trace for each refusal under overload. */
const TOO_LATE = new Overloaded('The deadline passed before the reading ended.');

/**
 * @param deadline by `performance.now()`
 * @throws Overloaded at the deadline; a later result is dropped
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
