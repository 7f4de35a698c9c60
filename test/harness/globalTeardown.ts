/** Jest's global tear-down, which stops what the set-up started in the same process. */
export default async function globalTeardown(): Promise<void> {
  await globalThis.testPostgres?.stop();
}
