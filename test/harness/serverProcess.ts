/** The application in a process of its own, as the start command runs it, so that a test can kill it. */
import {
  type ServerProcess,
  type StartingProcess,
  spawnProcess as spawnMain,
  startProcess as startMain,
} from '../../packages/persistent-machine/test/harness/serverProcess';

export {
  type ServerProcess,
  type StartingProcess,
  freePort,
  serverOf,
} from '../../packages/persistent-machine/test/harness/serverProcess';

const MAIN = 'src/main.ts';

type Options = Parameters<typeof spawnMain>[2];

/** Starts the process, and does not wait. */
export function spawnProcess(
  environment: Record<string, string>,
  options?: Options,
): StartingProcess {
  return spawnMain(MAIN, environment, options);
}

/** Starts the process, and waits until it listens. */
export async function startProcess(
  environment: Record<string, string>,
  options?: Options,
): Promise<ServerProcess> {
  return startMain(MAIN, environment, options);
}
