/**
 * Debian's PostgreSQL, which includes `pg_basebackup` for replicas, unlike the embedded one. Each cluster listens on a
 * unix socket in a folder of its own, without a password. Does not know what is in it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { type Account, chooseAccount, giveTo } from 'persistent-machine/database/embedded/account';

const DEBIAN = '/usr/lib/postgresql';

/** Owns the tests' databases, and is no superuser. */
const OWNER = 'owner';

export class Cluster {
  readonly #programs: string;
  readonly #account: Account;
  readonly #directory: string;
  readonly #settings: readonly string[];
  #postmaster: { readonly process: ChildProcess; readonly ended: Promise<unknown> } | undefined;

  private constructor(
    programs: string,
    account: Account,
    directory: string,
    settings: Readonly<Record<string, string>>,
  ) {
    this.#programs = programs;
    this.#account = account;
    this.#directory = directory;
    this.#settings = Object.entries({
      listen_addresses: '',
      unix_socket_directories: directory,
      max_connections: '200',
      // A test may crash PostgreSQL but not the machine, so PostgreSQL need not flush.
      fsync: 'off',
      ...settings,
    }).map(([name, value]) => `--${name}=${value}`);
  }

  /** Creates and starts a cluster. */
  static async create(settings: Readonly<Record<string, string>> = {}): Promise<Cluster> {
    const cluster = await Cluster.#prepare(settings);
    await cluster.#run('initdb', ['--username=postgres', '--auth=trust', '--no-sync']);
    await cluster.start();
    await cluster.administrate(`CREATE ROLE ${OWNER} LOGIN`);
    return cluster;
  }

  static async #prepare(settings: Readonly<Record<string, string>>): Promise<Cluster> {
    const versions = await readdir(DEBIAN).catch(() => []);
    const newest = versions.map(Number).sort((one, other) => other - one)[0];
    if (newest === undefined) throw new Error('This takes Debian’s package postgresql.');
    // Not in the folder for temporary files: a socket needs a short path, and other users may have no access to root's
    // own folder.
    const directory = await mkdtemp('/tmp/test-cluster-');
    const account = await chooseAccount(directory);
    await giveTo(account, directory);
    return new Cluster(join(DEBIAN, String(newest), 'bin'), account, directory, settings);
  }

  /** Creates and starts a streaming replica. */
  async replicate(): Promise<Cluster> {
    const replica = await Cluster.#prepare({
      cluster_name: 'replica',
      // The replica cancels at once a read that conflicts with its replay.
      max_standby_streaming_delay: '0',
    });
    const source = ['--dbname', this.superuserUrl, '--write-recovery-conf', '--checkpoint=fast'];
    await replica.#run('pg_basebackup', [...source, '--no-sync']);
    await replica.start();
    return replica;
  }

  /** Makes the primary acknowledge a commit only once its replica shows it. */
  async waitForReplica(): Promise<void> {
    await this.administrate(`ALTER SYSTEM SET synchronous_commit = remote_apply`);
    await this.administrate(`ALTER SYSTEM SET synchronous_standby_names = 'replica'`);
    await this.administrate('SELECT pg_reload_conf()');
  }

  /** The URL of the superuser. */
  get superuserUrl(): string {
    return this.#urlOf('postgres');
  }

  get ownerUrl(): string {
    return this.#urlOf(OWNER);
  }

  /** Runs a statement as the superuser. */
  async administrate(statement: string): Promise<readonly object[]> {
    const client = new Client({ connectionString: this.superuserUrl });
    await client.connect();
    try {
      const { rows } = await client.query<object>(statement);
      return rows;
    } finally {
      await client.end();
    }
  }

  /** @returns once PostgreSQL accepts connections */
  async start(): Promise<void> {
    const { uid, gid } = this.#account;
    const postmaster = spawn(
      join(this.#programs, 'postgres'),
      ['-D', this.#data, ...this.#settings],
      { cwd: this.#directory, stdio: 'ignore', uid, gid },
    );
    this.#postmaster = { process: postmaster, ended: once(postmaster, 'exit') };
    for (;;) {
      const failure: unknown = await this.administrate('SELECT').then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) return;
      if (postmaster.exitCode !== null)
        throw new Error('PostgreSQL has ended.', { cause: failure });
    }
  }

  /** @param signal SIGQUIT for a crash, SIGINT for an orderly stop */
  async end(signal: 'SIGQUIT' | 'SIGINT'): Promise<void> {
    this.#postmaster?.process.kill(signal);
    await this.#postmaster?.ended;
  }

  /** Stops the cluster, and deletes it. */
  async stop(): Promise<void> {
    await this.end('SIGINT');
    await rm(this.#directory, { recursive: true });
  }

  get #data(): string {
    return join(this.#directory, 'data');
  }

  #urlOf(user: string): string {
    return `postgresql://${user}@${encodeURIComponent(this.#directory)}/postgres`;
  }

  async #run(program: string, parameters: readonly string[]): Promise<void> {
    const { uid, gid } = this.#account;
    const options = { cwd: this.#directory, uid, gid };
    await promisify(execFile)(
      join(this.#programs, program),
      ['--pgdata', this.#data, ...parameters],
      options,
    );
  }
}
