/** Jest's global set-up and, by what it leaves behind, tear-down. */
import { type TestPostgres, startTestPostgres } from './postgres';

declare global {
  var testPostgres: TestPostgres | undefined;
}

export default async function globalSetup(): Promise<void> {
  globalThis.testPostgres = await startTestPostgres();
}
