/**
 * Opens psql on the server's database, also while the server runs: `npm run psql`. It knows how to pass the connection to
 * psql, and does not know what the operator asks.
 */
import { runCommand, runProgram, visitDatabase } from './commandDatabase';
import { systemErrorName } from './database/embedded';
import { parseDatabaseUrl } from './database/url';

const MISSING =
  'There is no psql on the PATH, and the embedded PostgreSQL has none. It comes with PostgreSQL’s client: ' +
  'apt-get install postgresql-client, or brew install libpq.';

/** The password, and the URL's parameters that node-postgres knows and libpq does not. */
const NOT_FOR_PSQL = /^(?:ssl|uselibpqcompat|password)=/;

async function psql(url: string): Promise<void> {
  const [address = '', parameters = ''] = url.split('?', 2);
  const kept = parameters.split('&').filter((each) => !NOT_FOR_PSQL.test(each));
  const withoutPassword = address.replace(/^(\w+:\/\/[^:@/]*):[^@/]*@/, '$1@');
  const target = `--dbname=${withoutPassword}?${kept.join('&')}`;
  const environment = environmentFor(parseDatabaseUrl(url).password);
  try {
    process.exitCode = await runProgram('psql', [target, ...process.argv.slice(2)], environment);
  } catch (error) {
    throw systemErrorName(error) === 'ENOENT' ? new Error(MISSING) : error;
  }
}

/** Drops variables such as PGHOST, as the server does. The password is a variable, since all users see a command line. */
function environmentFor(password: string | undefined): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('PG'));
  return {
    ...Object.fromEntries(others),
    ...(password === undefined ? {} : { PGPASSWORD: password }),
  };
}

runCommand(() => visitDatabase(psql));
