/** Jest's global set-up. What it stores serves the tear-down. */
import { type TestPostgres, startTestPostgres } from './postgres';

declare global {
  var testPostgres: TestPostgres | undefined;
}

export default async function globalSetup(): Promise<void> {
  // This process resolves packages as Node does. Without the condition it would load the engine's build.
  if (!require.resolve('persistent-machine/machine').endsWith('.ts')) {
    throw new Error('Run jest by `npm run jest --`, which sets NODE_OPTIONS=--conditions=source.');
  }
  globalThis.testPostgres = await startTestPostgres();
}
