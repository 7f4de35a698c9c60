/** Debian's PgBouncer in transaction mode, in front of all databases of a PostgreSQL. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Client } from 'pg';
import { chooseAccount, giveTo } from 'persistent-machine/database/embedded/account';

export interface PgBouncer {
  /** The URL of the given database through PgBouncer. Other databases differ only in the name. */
  readonly url: string;
  stop(): Promise<void>;
}

/** @param databaseUrl of any database, with the user as whom PgBouncer connects for every client */
export async function startPgBouncer(databaseUrl: string): Promise<PgBouncer> {
  const directory = await mkdtemp('/tmp/test-pgbouncer-');
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  const settings = join(directory, 'pgbouncer.ini');
  await writeFile(
    settings,
    `[databases]
* = host=${decodeURIComponent(hostname)} port=${port || '5432'} user=${username} password=${decodeURIComponent(password)}
[pgbouncer]
pool_mode = transaction
listen_addr =
unix_socket_dir = ${directory}
auth_type = any
max_client_conn = 500
default_pool_size = 5
server_login_retry = 1
`,
  );
  // PgBouncer refuses to run as root, like PostgreSQL.
  const account = await chooseAccount(directory);
  await giveTo(account, directory);
  const { uid, gid } = account;
  const pgBouncer = spawn('/usr/sbin/pgbouncer', [settings], {
    stdio: ['ignore', 'ignore', 'pipe'],
    uid,
    gid,
  });
  const complaint = text(pgBouncer.stderr);
  const ended = once(pgBouncer, 'exit');
  const url = `postgresql://anybody@${encodeURIComponent(directory)}:6432${pathname}`;
  while (!(await letsIn(url))) {
    if (pgBouncer.exitCode !== null) throw new Error(await complaint);
  }
  return {
    url,
    stop: async () => {
      pgBouncer.kill('SIGTERM');
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

async function letsIn(connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString });
  try {
    await client.connect();
    await client.query('SELECT');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
