/**
 * A session as the tables' owner, for changes of a machine by hand. Knows the tables, and not what is tried on them.
 */
import { Client, DatabaseError } from 'pg';
import type { ByHand } from './byHand';

/** How an attempt ends. */
export type Outcome = 'accepted' | { readonly code: string | undefined; readonly message: string };

/** All rows of a machine's tables. */
export type Contents = readonly (readonly object[])[];

/** Rolls back a transaction that was accepted. */
const TAKE_BACK = "DO $$ BEGIN RAISE EXCEPTION 'taken back'; END $$";

export class Session {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async open(url: string): Promise<Session> {
    const client = new Client({ connectionString: url });
    await client.connect();
    return new Session(client);
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  async query<Row extends object>(text: string): Promise<Row[]> {
    return (await this.#client.query<Row>(text)).rows;
  }

  /** Runs statements in a transaction of their own; deferred constraints are checked at its end. */
  async commit(statements: readonly string[]): Promise<void> {
    await this.query('BEGIN');
    try {
      for (const statement of statements) await this.query(statement);
      await this.query('COMMIT');
    } catch (error) {
      await this.query('ROLLBACK');
      throw error;
    }
  }

  /** The outcome of a transaction, which is rolled back even if it is accepted. */
  async outcomeOf(statements: readonly string[]): Promise<Outcome> {
    try {
      await this.commit([...statements, 'SET CONSTRAINTS ALL IMMEDIATE', TAKE_BACK]);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      const { code, message } = error;
      return message === 'taken back' ? 'accepted' : { code, message };
    }
    throw new Error('It was not taken back.');
  }

  async contentsOf({ shape: { records, history, ledger } }: ByHand): Promise<Contents> {
    return [
      await this.query(`SELECT * FROM ${records} ORDER BY id`),
      await this.query(`SELECT * FROM ${history} ORDER BY partition, position`),
      await this.query(`SELECT * FROM ${ledger} ORDER BY partition`),
    ];
  }
}
