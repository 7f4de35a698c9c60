/**
 * Clients that conceive without a pause, and record their answers. Owns how they connect. Does not know what happens to
 * the servers.
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import { uuidv7 } from 'uuidv7';

const MUTATION = 'mutation ($id: ID) { conceive(id: $id) { id } }';

/** A request that got no answer, or an unexpected one. */
interface Failure {
  readonly url: string;
  readonly connection: 'kept' | 'new';
  readonly reason: unknown;
}

export class Load {
  readonly #acknowledged: string[] = [];
  readonly #failures: Failure[] = [];
  readonly #clients: Promise<void>[] = [];
  #stopping = false;

  /** The lives whose conception was acknowledged. */
  get acknowledged(): readonly string[] {
    return this.#acknowledged;
  }

  get failures(): readonly Failure[] {
    return this.#failures;
  }

  /**
   * Adds clients.
   *
   * @param connection kept: until an answer says that it is the last of its connection
   * @param pick returns the URL of a server, for each new connection
   */
  add(number: number, connection: Failure['connection'], pick: () => string): void {
    for (let count = 0; count < number; count += 1) {
      this.#clients.push(this.#client(connection, pick));
    }
  }

  /** Waits until this many more lives have been conceived. */
  async untilAcknowledged(number: number): Promise<void> {
    const enough = this.#acknowledged.length + number;
    while (this.#acknowledged.length < enough) {
      const [failure] = this.#failures;
      if (failure !== undefined) throw new Error('Not answered.', { cause: failure });
      await new Promise(setImmediate);
    }
  }

  /** @returns when every request has ended */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#clients);
  }

  async #client(connection: Failure['connection'], pick: () => string): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let url = pick();
    while (!this.#stopping) {
      const id = uuidv7();
      const reason = await conceive(url, id, connection === 'kept' ? agent : false).then(
        ({ isLast, text }) => {
          if (isLast) url = pick();
          return text === JSON.stringify({ data: { conceive: { id } } }) ? undefined : text;
        },
        (error: unknown) => error,
      );
      if (reason === undefined) this.#acknowledged.push(id);
      else this.#failures.push({ url, connection, reason });
    }
    agent.destroy();
  }
}

async function conceive(
  url: string,
  id: string,
  agent: Agent | false,
): Promise<{ isLast: boolean; text: string }> {
  const body = JSON.stringify({ query: MUTATION, variables: { id } });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    request(`${url}/graphql`, { method: 'POST', headers, agent }, resolve)
      .on('error', reject)
      .end(body);
  });
  const chunks = await response.toArray();
  return {
    isLast: response.headers.connection === 'close',
    text: Buffer.concat(chunks).toString().trim(),
  };
}
