/** Jest's global set-up and, by what it leaves behind, tear-down. */
import { type TestPostgres, startTestPostgres } from './postgres';

declare global {
  var testPostgres: TestPostgres | undefined;
}

export default async function globalSetup(): Promise<void> {
  // This process resolves packages as Node does, and would take the engine as it was built.
  if (!require.resolve('persistent-machine/machine').endsWith('.ts')) {
    throw new Error('Run jest by `npm run jest --`, which sets NODE_OPTIONS=--conditions=source.');
  }
  globalThis.testPostgres = await startTestPostgres();
}
