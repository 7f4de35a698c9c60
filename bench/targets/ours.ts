/** Starts the built product as `npm start` does, with every setting at its default. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { BenchmarkDatabase } from '../database/cluster';
import { type Worker, adopt, end, minimalEnvironment } from '../processes';
import { conceiveOurs, openOurTables } from './ourTables';
import { POOL_SIZE, type HttpTarget, overHttp } from './target';

const PROGRAM = join(__dirname, '../../dist/src/main.js');

/** @param parametersOfNode such as `--cpu-prof` */
export async function startOurs(
  name: string,
  database: BenchmarkDatabase,
  generator: Worker,
  parametersOfNode: readonly string[] = [],
): Promise<HttpTarget> {
  const child = spawn(process.execPath, [...parametersOfNode, PROGRAM], {
    // A folder without a `.env`.
    cwd: __dirname,
    env: {
      ...minimalEnvironment(),
      DATABASE_URL: database.url,
      DATABASE_POOL_SIZE: String(POOL_SIZE),
      PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  adopt(child);
  let url: string | undefined;
  let said = '';
  for await (const line of createInterface({ input: child.stdout })) {
    said += `${line}\n`;
    [, url] = /Ready: .* (http:[^"\s]+)\/graphql/.exec(line) ?? [];
    if (url !== undefined) break;
  }
  if (url === undefined || child.pid === undefined) {
    throw new Error(`The product did not start:\n${said}`);
  }
  // Reads and drops all further output, so that the pipe does not fill up.
  child.stdout.resume();

  const tables = await openOurTables(database.url, 1);
  return {
    name,
    url,
    pid: child.pid,
    database,
    conceive: (count) => conceiveOurs(tables, count),
    run: overHttp(generator, url),
    stop: async () => {
      await tables.close();
      await end(child);
    },
  };
}
