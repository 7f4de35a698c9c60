/** Waiting in tests: for a condition, and not for a time. */

/** In milliseconds; below Jest's own limit, so that the error names the condition. */
const PATIENCE = 25_000;

/** Polls until a condition holds. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const patience = Date.now() + PATIENCE;
  while (!(await isSo())) {
    if (Date.now() > patience) throw new Error(`It never was: ${String(isSo)}`);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
