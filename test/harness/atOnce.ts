/**
 * Owns doing the same for several cases at the same time, since most of what a browser's test does is wait. It
 * deliberately does not know what is done.
 */

/**
 * @param cases each with a name, which the report of its failure begins with
 * @throws AggregateError once all have ended, with an error for each case that failed
 */
export async function atOnce<Case>(
  cases: ReadonlyMap<string, Case>,
  run: (one: Case) => Promise<void>,
): Promise<void> {
  const failures: Error[] = [];
  await Promise.all(
    Array.from(cases, async ([name, one]) => {
      try {
        await run(one);
      } catch (cause) {
        failures.push(new Error(name, { cause }));
      }
    }),
  );
  if (failures.length > 0) {
    throw new AggregateError(failures, failures.map(({ message }) => message).join('; '));
  }
}
