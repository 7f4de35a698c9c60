/**
 * Runs the store's statements on the pool of connections. Owns how a statement travels, and what its
 * failure means; does not know what any statement is for.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Pool, type PoolClient } from 'pg';
import type { DataSource } from 'typeorm';
import { poolOf } from '../internals';
import {
  ConnectionLost,
  Overloaded,
  RefusedData,
  TablesMissing,
  Unreachable,
  failureOf,
} from './failures';

/** A statement of fixed text, which the database plans once for each connection. */
export interface Statement {
  /** Of all statements with this text, and of no other; at most 63 characters. */
  readonly name: string;
  readonly text: string;
}

export interface DatabaseSettings {
  /** false: statements go unnamed, for a pooler in transaction mode that forgets names. */
  readonly preparedStatements: boolean;
  /** How long to wait for a statement, in milliseconds; then its connection is given up. */
  readonly statementTimeout: number;
  /** Told once when the database is lost, by which failure, and once when it answers again. */
  readonly observer?: DatabaseObserver;
}

export interface DatabaseObserver {
  readonly onLoss: (failure: Error) => void;
  readonly onReturn: () => void;
  /** Told with every statement that fails because the tables are not as it knows them. */
  readonly onMissingTables: (failure: TablesMissing) => void;
}

/** For how long a database that is down is looked for, in milliseconds. */
const LONGEST_LOOK = 500;

const IS_IT_THERE: Statement = { name: 'is it there', text: 'SELECT 1' };

/** Where statements can be sent that change nothing. */
export type Reader = Pick<Database, 'run'>;

export class Database {
  readonly #pool: Pool;
  readonly #settings: DatabaseSettings;
  /** By a clock that never goes back; undefined: it is there, as far as we know. */
  #lostAt: number | undefined;
  #lookingForIt: Promise<unknown> | undefined;

  /**
   * @param connections a pool; or what is initialized and has one: its query runners are not used, they cost
   *   more than most of our statements, and know no prepared ones
   */
  constructor(connections: DataSource | Pool, settings: DatabaseSettings) {
    // Of PostgreSQL: ormconfig.ts says so.
    this.#pool = connections instanceof Pool ? connections : poolOf(connections);
    this.#settings = settings;
  }

  /**
   * Runs one statement, which is a transaction of its own.
   *
   * @param values for `$1`, `$2`, …
   * @returns its rows, which the caller knows the type of: it wrote the text
   * @throws Overloaded, DatabaseUnavailable, RefusedData where it was certainly not applied;
   *   ConnectionLost where that cannot be known; node-postgres' own error for a bug of ours
   */
  async run<Row extends object>(
    { name, text }: Statement,
    values: readonly unknown[],
  ): Promise<Row[]> {
    try {
      const rows = await this.#run<Row>({ name, text }, values);
      this.#note(undefined);
      return rows;
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  async #run<Row extends object>(
    { name, text }: Statement,
    values: readonly unknown[],
  ): Promise<Row[]> {
    const { preparedStatements, statementTimeout } = this.#settings;
    const client = await this.#connect();
    try {
      const query = {
        text,
        values: [...values],
        query_timeout: statementTimeout,
        ...(preparedStatements ? { name } : {}),
      };
      const { rows } = await client.query<Row>(query);
      client.release();
      return rows;
    } catch (error) {
      const failure = failureOf(error);
      // Its connection goes, too: it may be broken, or hold a plan that no longer fits.
      client.release(!(failure instanceof RefusedData));
      throw failure;
    }
  }

  /**
   * Whether it is down: lost for so long that nobody should begin to wait for it. It is looked for anew, since who
   * comes when it is back must be let in; all who ask at about the same time share one look.
   *
   * @param patience for how long whoever asks waits for it, in milliseconds
   * @returns at once where nothing is wrong
   */
  isDown(patience: number): false | Promise<boolean> {
    if (this.#lostAt === undefined || performance.now() - this.#lostAt < patience) return false;
    return this.#isStillLost();
  }

  async #isStillLost(): Promise<boolean> {
    // A look that had begun before we were asked proves nothing.
    await this.#lookingForIt;
    if (this.#lostAt === undefined) return false;
    this.#lookingForIt ??= this.#look().finally(() => {
      this.#lookingForIt = undefined;
    });
    await this.#lookingForIt;
    // It has been noted meanwhile, which the compiler does not know.
    return (this.#lostAt as number | undefined) !== undefined;
  }

  /** A network that swallows everything would hold up all who ask; should it answer later, that is noted, too. */
  async #look(): Promise<void> {
    const looking = this.run(IS_IT_THERE, []).catch(() => undefined);
    await Promise.race([looking, delay(LONGEST_LOOK)]);
  }

  /** The pool's connections, and how many wait for one. */
  get connections(): { readonly total: number; readonly idle: number; readonly waiting: number } {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { total: totalCount, idle: idleCount, waiting: waitingCount };
  }

  /** Whether it is there, as far as a statement's failure tells: an answer that refuses is an answer, too. */
  #note(failure: unknown): void {
    if (failure instanceof TablesMissing) this.#settings.observer?.onMissingTables(failure);
    const isLoss = failure instanceof Unreachable || failure instanceof ConnectionLost;
    if (isLoss === (this.#lostAt !== undefined)) return;
    // All connections taken: that says nothing about the database.
    if (failure instanceof Overloaded) return;
    this.#lostAt = isLoss ? performance.now() : undefined;
    if (isLoss) this.#settings.observer?.onLoss(failure);
    else this.#settings.observer?.onReturn();
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      const { totalCount, idleCount, options } = this.#pool;
      const allTaken = totalCount >= options.max && idleCount === 0;
      throw allTaken
        ? new Overloaded('All connections were taken for too long.', { cause: error })
        : new Unreachable('The database cannot be reached.', { cause: error });
    }
  }
}
