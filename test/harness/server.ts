/** A server of the real application, in the test's own process, on a free port. */
import type { Served } from 'persistent-machine/application';
import {
  type RunningServer,
  startServer as startServerOf,
} from '../../packages/persistent-machine/test/harness/server';
import { served } from '../../src/application';
import { type TestDatabase, createTestDatabase } from './postgres';
import { startInTopology } from './topology';

export interface TestServer extends RunningServer {
  /** Its database, if it was made for this server. */
  readonly database: TestDatabase | undefined;
  /** Stops the server, and drops a database that was made for it. */
  stop(): Promise<void>;
}

/**
 * @param environment variables as an operator would set them; without DATABASE_URL a database is made
 * @param application the lives by default
 */
export async function startServer(
  environment: Record<string, string> = {},
  application: Served = served,
): Promise<TestServer> {
  const database =
    environment['DATABASE_URL'] === undefined
      ? await (application === served ? createTestDatabase() : createTestDatabase(null))
      : undefined;
  const given = { ...(database ? { DATABASE_URL: database.url } : {}), ...environment };
  const server = await startServerOf(application, given, startInTopology);
  return {
    ...server,
    database,
    stop: async () => {
      await server.stop();
      await database?.drop();
    },
  };
}
