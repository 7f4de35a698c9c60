/** The application in a process of its own, as the start command runs it, so that a test can kill it. */
import {
  type ServerProcess,
  type StartingProcess,
  spawnProcess as spawnMain,
  startProcess as startMain,
} from '../../packages/persistent-machine/test/harness/serverProcess';
import { PARTITIONS } from './topology';

export {
  type ServerProcess,
  type StartingProcess,
  freePort,
  serverOf,
} from '../../packages/persistent-machine/test/harness/serverProcess';

const MAIN = 'src/main.ts';

/** So a database that a test made empty gets as many partitions as the others of the run. */
const GIVEN: Record<string, string> = PARTITIONS > 1 ? { PARTITIONS: String(PARTITIONS) } : {};

type Options = Parameters<typeof spawnMain>[2];

/** Starts the process, and does not wait. */
export function spawnProcess(
  environment: Record<string, string>,
  options?: Options,
): StartingProcess {
  return spawnMain(MAIN, { ...GIVEN, ...environment }, options);
}

/** Starts the process, and waits until it listens. */
export async function startProcess(
  environment: Record<string, string>,
  options?: Options,
): Promise<ServerProcess> {
  return startMain(MAIN, { ...GIVEN, ...environment }, options);
}
