/**
 * Runs the store's statements on the pool of connections. Owns how a statement travels and what its
 * failure means; does not know what any statement is for.
 */
import type { Pool, PoolClient } from 'pg';
import type { DataSource } from 'typeorm';
import { DatabaseUnavailable, failureOf } from './failures';

/** A statement of fixed text, which the database plans once for each connection. */
export interface Statement {
  /** Of all statements with this text, and of no other; at most 63 characters. */
  readonly name: string;
  readonly text: string;
}

export class Database {
  readonly #pool: Pool;
  readonly #prepared: boolean;

  /**
   * @param dataSource initialized; its pool is used, its query runners are not: they cost more than most
   *   of our statements, and know no prepared ones
   * @param prepared false: statements go unnamed, for a pooler in transaction mode that forgets names
   */
  constructor(dataSource: DataSource, prepared: boolean) {
    // TypeORM types every driver alike; ormconfig.ts says that ours is PostgreSQL's, whose `master` is its pool.
    this.#pool = (dataSource.driver as unknown as { readonly master: Pool }).master;
    this.#prepared = prepared;
  }

  /**
   * Runs one statement, which is a transaction of its own.
   *
   * @param values for `$1`, `$2`, …
   * @returns its rows, which the caller knows the type of: it wrote the text
   * @throws DatabaseUnavailable, Overloaded where it was certainly not applied; ConnectionLost where that
   *   cannot be known; node-postgres' DatabaseError where the database refused the data
   */
  async run<Row extends object>(statement: Statement, values: unknown[]): Promise<Row[]> {
    const client = await this.#connect();
    try {
      const { rows } = await client.query<Row>({
        ...(this.#prepared ? { name: statement.name } : {}),
        text: statement.text,
        values,
      });
      client.release();
      return rows;
    } catch (error) {
      // Its connection goes too: it may be dead, or hold a plan that no longer fits.
      client.release(true);
      throw failureOf(error);
    }
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw new DatabaseUnavailable('The database cannot be reached.', { cause: error });
    }
  }
}
