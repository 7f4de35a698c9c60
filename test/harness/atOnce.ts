/** Runs the cases of a test at the same time, because a browser's test spends most of its time waiting. */

/**
 * @param cases by the names under which their failures are reported
 * @throws AggregateError once all cases have ended, with an error for each one that failed
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
