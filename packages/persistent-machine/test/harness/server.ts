/** A server for a test, in the test's own process, on a free port. */
import pino from 'pino';
import { type Application, type Served, startApplication } from 'persistent-machine/application';
import { readConfiguration } from 'persistent-machine/config';
import { serializers } from 'persistent-machine/log';

export interface RunningServer {
  /** Without a path: `http://127.0.0.1:…`. */
  readonly url: string;
  /** Its log, as parsed lines. */
  readonly logs: readonly Record<string, unknown>[];
  stop(): Promise<void>;
}

/** On a machine that is busy with something else, what takes milliseconds may take seconds. */
const PATIENCE = { REQUEST_TIMEOUT_MS: '60000', SHUTDOWN_GRACE_MS: '60000' };

type Environment = Readonly<Record<string, string>>;

/**
 * @param environment variables as a user would set them, with a DATABASE_URL
 * @param starting starts the server, perhaps behind a proxy; left out: alone
 */
export async function startServer(
  application: Served,
  environment: Environment,
  starting: (
    environment: Environment,
    start: (environment: Environment) => Promise<Application>,
  ) => Promise<Application> = async (given, start) => start(given),
): Promise<RunningServer> {
  const logs: Record<string, unknown>[] = [];
  const given = { PORT: '0', ...PATIENCE, ...environment };
  const log = pino(
    { level: readConfiguration(given).logLevel, serializers },
    {
      // pino writes JSON objects, one a line.
      write: (line) => logs.push(JSON.parse(line) as Record<string, unknown>),
    },
  );
  const running = await starting(given, async (environment) =>
    startApplication(application, readConfiguration(environment), log),
  );
  return { url: running.url, logs, stop: () => running.stop() };
}
