/** The real database, which also remembers what was sent. */
import { Database, type Statement } from '../../src/database/Database';

export interface Sent extends Statement {
  readonly values: readonly unknown[];
  /** How many statements of its name were in flight then, itself among them. */
  readonly inFlight: number;
}

export class RememberingDatabase extends Database {
  readonly sent: Sent[] = [];
  readonly #inFlight = new Map<string, number>();

  override async run<Row extends object>(
    statement: Statement,
    values: readonly unknown[],
  ): Promise<Row[]> {
    const inFlight = this.#count(statement, 1);
    this.sent.push({ ...statement, values, inFlight });
    try {
      return await super.run<Row>(statement, values);
    } finally {
      this.#count(statement, -1);
    }
  }

  #count({ name }: Statement, more: number): number {
    const inFlight = (this.#inFlight.get(name) ?? 0) + more;
    this.#inFlight.set(name, inFlight);
    return inFlight;
  }
}
