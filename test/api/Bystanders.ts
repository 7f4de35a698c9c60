/** Lives that no request names, one in each state. A test compares their database rows before and after its writes. */
import { Client } from 'pg';
import { lives } from '../../src/machine';
import type { TestServer } from '../harness';
import { livingIn } from './lives';

export class Bystanders {
  readonly #url: string;
  readonly #ids: readonly string[];
  #session: Client;
  #before: readonly object[] = [];

  private constructor(url: string, ids: readonly string[]) {
    this.#url = url;
    this.#ids = ids;
    this.#session = new Client({ connectionString: url });
  }

  /** Conceives them on a server that has a database of its own. */
  static async of({ url, database }: TestServer): Promise<Bystanders> {
    if (database === undefined) throw new Error('The server has no database of its own.');
    const ids: string[] = [];
    for (const state of lives.states) ids.push(await livingIn({ url }, state));
    const bystanders = new Bystanders(database.url, ids);
    await bystanders.#session.connect();
    bystanders.#before = await bystanders.#rows();
    expect(bystanders.#before.length).toBeGreaterThan(2 * ids.length);
    return bystanders;
  }

  async expectUnchanged(): Promise<void> {
    expect(await this.#rows()).toEqual(this.#before);
  }

  /** Ends the session that reads the rows, so that the database can be dropped. */
  async leave(): Promise<void> {
    await this.#session.end();
  }

  /** Opens a new session after `leave`. */
  async enter(): Promise<void> {
    this.#session = new Client({ connectionString: this.#url });
    await this.#session.connect();
  }

  async #rows(): Promise<object[]> {
    const rowsOf = async (text: string): Promise<object[]> =>
      (await this.#session.query<object>(text, [this.#ids])).rows;
    return [
      ...(await rowsOf('SELECT * FROM lives WHERE id = ANY ($1) ORDER BY id')),
      ...(await rowsOf(
        'SELECT * FROM life_transitions WHERE life_id = ANY ($1) ORDER BY partition, position',
      )),
    ];
  }
}
