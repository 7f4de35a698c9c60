/**
 * The setting of the fault tests: a server, a network between it and its database, and the database itself. Tests can
 * harm each of them. Bystanders, which no test asks about, must be unchanged at the end.
 */
import { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import {
  type Answer,
  type TestDatabase,
  type TestServer,
  administrate,
  ask,
  createTestDatabase,
  startServer,
} from '../harness';
import { idsTogether, lockLedger } from '../harness/partition';
import { Proxy } from '../harness/proxy';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { problemsOf } from './integrity';

/** A transition, as the database has it. */
export interface Row {
  readonly version: number;
  readonly event: string;
  readonly actor: string | null;
  readonly idempotency_key: string | null;
  readonly occurred_at: Date;
  readonly position: string;
}

/** The selection for the outcome of a transition. */
const OUTCOME = '__typename ... on Life { id version } ... on TransitionError { message }';

/** The application name of TypeORM's pool. */
const APPLICATION = 'persistent-state-machine';

export class Scene {
  #bystanders: readonly string[] = [];
  #before: readonly object[] = [];
  #altered = false;
  readonly #sessions: Client[] = [];

  private constructor(
    readonly server: TestServer,
    readonly network: Proxy,
    readonly database: TestDatabase,
    /** A session as the tables' owner, over a connection that no test cuts. */
    readonly owner: Client,
  ) {}

  static async open(environment: Readonly<Record<string, string>> = {}): Promise<Scene> {
    const database = await createTestDatabase();
    const network = await Proxy.to(database.url);
    const server = await startServer({
      // The default. The server notices a silent connection within this time.
      REQUEST_TIMEOUT_MS: '5000',
      ...environment,
      DATABASE_URL: network.url,
    });
    const owner = new Client({ connectionString: database.url });
    await owner.connect();
    const scene = new Scene(server, network, database, owner);
    scene.#bystanders = [await scene.conceive(), await scene.conceive(), await scene.conceive()];
    const [, alive = '', dead = ''] = scene.#bystanders;
    await scene.mutate('birth', { id: alive });
    await scene.mutate('die', { id: dead });
    scene.#before = await scene.#rows();
    expect(scene.#before).toHaveLength(3 + 5);
    return scene;
  }

  /** After each test: the tables are consistent, and the bystanders have not changed. */
  async check(): Promise<void> {
    for (const session of this.#sessions.splice(0)) await session.end();
    await this.network.heal();
    if (this.#altered) {
      await this.alter('RESET ALL');
      await this.endSessions();
      this.#altered = false;
    }
    expect(await problemsOf(this.owner)).toEqual([]);
    expect(await this.#rows()).toEqual(this.#before);
  }

  async close(): Promise<void> {
    await this.owner.end();
    await this.server.stop();
    await this.network.stop();
    await this.database.drop();
  }

  /** The database's name. */
  get name(): string {
    return new URL(this.database.url).pathname.slice(1);
  }

  async conceive(id = uuidv7()): Promise<string> {
    const document = 'mutation ($id: ID) { conceive(id: $id) { id } }';
    expect(await this.dataOf(document, { id })).toEqual({ conceive: { id } });
    return id;
  }

  /** Conceives lives whose changes at the same time go in one group. */
  async conceiveTogether(number: number): Promise<string[]> {
    return Promise.all(idsTogether(number).map(async (id) => this.conceive(id)));
  }

  /** Asks for a transition, whose result is in `data.outcome`. */
  async mutate(
    field: 'birth' | 'die',
    variables: { id: string; idempotencyKey?: unknown },
    server: TestServer = this.server,
  ): Promise<Answer> {
    return ask(
      server,
      `mutation ($id: ID!, $idempotencyKey: String) {
        outcome: ${field}(id: $id, idempotencyKey: $idempotencyKey) { ${OUTCOME} }
      }`,
      variables,
    );
  }

  /** Sends a document that must be answered without an error. */
  async dataOf(query: string, variables: Record<string, unknown> = {}): Promise<Answer['data']> {
    const { data, errors } = await ask(this.server, query, variables);
    expect(errors).toBeUndefined();
    return data;
  }

  /** A life's history, from the database. */
  async history(id: string): Promise<Row[]> {
    const { rows } = await this.owner.query<Row>(
      'SELECT * FROM life_transitions WHERE life_id = $1 ORDER BY version',
      [id],
    );
    return rows;
  }

  /** The number of all lives' transitions. */
  async transitions(): Promise<number> {
    const { rows } = await this.owner.query<{ count: number }>(
      'SELECT count(*)::integer AS count FROM life_transitions',
    );
    return rows[0]?.count ?? 0;
  }

  /** The position of the partition that has the fewest transitions. */
  async lowestPosition(): Promise<number> {
    const { rows } = await this.owner.query<{ lowest: number }>(
      'SELECT min(position)::integer AS lowest FROM ledger',
    );
    return rows[0]?.lowest ?? 0;
  }

  /** Sets a parameter for all of the server's sessions, and ends the existing ones. */
  async set(parameter: string, value: string): Promise<void> {
    await this.alter(`SET ${parameter} = ${value}`);
    await this.endSessions();
  }

  /** Alters the database until the end of the test. */
  async alter(change: string): Promise<void> {
    this.#altered = true;
    await administrate(`ALTER DATABASE ${this.name} ${change}`);
  }

  /** Opens another session as the tables' owner. It ends with the test at the latest. */
  async connect(): Promise<Client> {
    const client = new Client({ connectionString: this.database.url });
    await client.connect();
    this.#sessions.push(client);
    return client;
  }

  /**
   * Holds every commit by locks on all rows of the ledger.
   *
   * @returns a function that releases the lock
   */
  async holdCommits(): Promise<() => Promise<void>> {
    const rival = await this.connect();
    await rival.query('BEGIN');
    await lockLedger(rival);
    return () => rival.end();
  }

  /** Ends the server's sessions, or only those that wait for a lock, and waits until they have ended. */
  async endSessions({ waiting = false } = {}): Promise<void> {
    await this.owner.query(
      `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = $1
         AND (NOT $2 OR wait_event_type = 'Lock')`,
      [APPLICATION, waiting],
    );
  }

  /** The server's sessions. */
  async sessions(): Promise<{ pid: number; waits: boolean }[]> {
    const { rows } = await this.owner.query<{ pid: number; waits: boolean }>(
      `SELECT pid, coalesce(wait_event_type = 'Lock', false) AS waits FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = $1`,
      [APPLICATION],
    );
    return rows;
  }

  /** Asks the database until this many sessions wait for a lock, including the test's own. */
  async untilWaiting(number = 1): Promise<void> {
    await until(async () => {
      const { rows } = await this.owner.query(
        `SELECT FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return rows.length >= number;
    });
  }

  async #rows(): Promise<object[]> {
    const rowsOf = async (text: string): Promise<object[]> =>
      (await this.owner.query<object>(text, [this.#bystanders])).rows;
    return [
      ...(await rowsOf('SELECT * FROM lives WHERE id = ANY ($1) ORDER BY id')),
      ...(await rowsOf(
        'SELECT * FROM life_transitions WHERE life_id = ANY ($1) ORDER BY partition, position',
      )),
    ];
  }
}

/** The error codes of an answer. */
export function codesOf({ errors = [] }: Answer): unknown[] {
  return errors.map(({ extensions }) => extensions['code']);
}

/** The log's messages about the loss and the return of the database. */
export function outagesOf({ logs }: Pick<TestServer, 'logs'>): ('lost' | 'back')[] {
  return logs.flatMap(({ msg }) => {
    if (String(msg).startsWith('Without the database')) return ['lost'];
    return msg === 'The database answers again' ? ['back'] : [];
  });
}
