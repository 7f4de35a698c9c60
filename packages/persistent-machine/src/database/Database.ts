/**
 * Runs statements on a pool of connections, and classifies their failures. It does not know what a statement is for.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Pool, type PoolClient } from 'pg';
import type { DataSource } from 'typeorm';
import { poolOf } from '../internals';
import { Overloaded, RefusedData, TablesMissing, Unreachable, failureOf, isLoss } from './failures';

/** A statement of fixed text, which PostgreSQL plans once for each connection. */
export interface Statement {
  /** The same for all statements with this text, and for no others; at most 63 characters. */
  readonly name: string;
  readonly text: string;
}

export interface DatabaseSettings {
  /** False for a pooler in transaction mode that forgets prepared statements. */
  readonly preparedStatements: boolean;
  /** How long to wait for a statement before giving up its connection, in milliseconds. */
  readonly statementTimeout: number;
  readonly observer?: DatabaseObserver;
}

export interface DatabaseObserver {
  /** Called once when the database is lost. */
  readonly onLoss: (failure: Error) => void;
  /** Called once when it answers again. */
  readonly onReturn: () => void;
  /** Called for each statement that fails because tables are missing, or other than it expects. */
  readonly onMissingTables: (failure: TablesMissing) => void;
}

/** How long a probe of a lost database may take, in milliseconds. */
const PROBE_TIMEOUT = 500;

/** Keeps the prepared statements of a connection, and forgets their plans. */
export const REPLAN = 'DISCARD PLANS';

/** After so many statements a connection's plans are made again for the first time. */
const FIRST_REPLANNING = 16;

const PROBE: Statement = { name: 'probe', text: 'SELECT 1' };

/** Runs statements that change nothing. */
export type Reader = Pick<Database, 'run'>;

export class Database {
  readonly #pool: Pool;
  readonly #settings: DatabaseSettings;
  /** How many statements each connection has run. */
  readonly #uses = new WeakMap<PoolClient, number>();
  /** By `performance.now()`; undefined while the database answers. */
  #lostAt: number | undefined;
  #probing: Promise<unknown> | undefined;

  /**
   * @param connections a pool, or an initialized DataSource that has one. Its query runners are not used: they cost
   *   more than most of our statements, and do not prepare statements
   */
  constructor(connections: DataSource | Pool, settings: DatabaseSettings) {
    this.#pool = connections instanceof Pool ? connections : poolOf(connections);
    this.#settings = settings;
  }

  /**
   * Runs one statement in a transaction of its own.
   *
   * @param values for `$1`, `$2`, …
   * @typeParam Row the type of its rows, which the author of the text knows
   * @throws Overloaded, DatabaseUnavailable or RefusedData if it was certainly not applied; ConnectionLost if that
   *   cannot be known; node-postgres' own error for a bug of ours
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
      if (this.#needsNewPlans(client)) await client.query(replan(statementTimeout));
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
      // Closes the connection, which may be broken, or hold a plan that no longer fits.
      client.release(!(failure instanceof RefusedData));
      throw failure;
    }
  }

  /**
   * Whether PostgreSQL should make a connection's plans again: each time that the connection has run twice as many
   * statements. A plan that was made for an almost empty table reads whole partitions, since that is as good there; and
   * until the first ANALYZE, a minute later, PostgreSQL would keep it, for checks of foreign keys and for triggers, too.
   */
  #needsNewPlans(client: PoolClient): boolean {
    const uses = (this.#uses.get(client) ?? 0) + 1;
    this.#uses.set(client, uses);
    return uses >= FIRST_REPLANNING && (uses & (uses - 1)) === 0;
  }

  /**
   * Whether the database has been away for longer than a caller would wait for it. If so, it is probed again, to notice
   * when it is back. Callers at about the same time share one probe.
   *
   * @param patience how long the caller would wait, in milliseconds
   * @returns false at once while the database answers, or was lost only recently
   */
  isDown(patience: number): false | Promise<boolean> {
    if (this.#lostAt === undefined || performance.now() - this.#lostAt < patience) return false;
    return this.#isStillLost();
  }

  async #isStillLost(): Promise<boolean> {
    // The database may have come back after a probe that began before this call.
    await this.#probing;
    if (this.#lostAt === undefined) return false;
    this.#probing ??= this.#probe().finally(() => {
      this.#probing = undefined;
    });
    await this.#probing;
    // The probe may have changed it, which the compiler does not know.
    return (this.#lostAt as number | undefined) !== undefined;
  }

  /** Does not wait longer, because a network may swallow packets. `run` notes a later answer, too. */
  async #probe(): Promise<void> {
    const probing = this.run(PROBE, []).catch(() => undefined);
    await Promise.race([probing, delay(PROBE_TIMEOUT)]);
  }

  /** The pool's connections, and how many statements wait for one. */
  get connections(): { readonly total: number; readonly idle: number; readonly waiting: number } {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { total: totalCount, idle: idleCount, waiting: waitingCount };
  }

  /** Notes whether the database answers; a refusal is an answer, too. */
  #note(failure: unknown): void {
    if (failure instanceof TablesMissing) this.#settings.observer?.onMissingTables(failure);
    const isLost = isLoss(failure);
    if (isLost === (this.#lostAt !== undefined)) return;
    // That all connections are taken says nothing about the database.
    if (failure instanceof Overloaded) return;
    this.#lostAt = isLost ? performance.now() : undefined;
    if (isLost) this.#settings.observer?.onLoss(failure);
    else this.#settings.observer?.onReturn();
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      const { totalCount, idleCount, options } = this.#pool;
      const allTaken = totalCount >= options.max && idleCount === 0;
      throw allTaken
        ? new Overloaded('No connection became free in time.', { cause: error })
        : new Unreachable('The database cannot be reached.', { cause: error });
    }
  }
}

/** A network may swallow this statement, too, so it has a timeout. node-postgres' types do not know that one. */
function replan(timeout: number): { text: string } {
  return { text: REPLAN, query_timeout: timeout } as { text: string };
}
