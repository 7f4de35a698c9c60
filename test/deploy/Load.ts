/**
 * Clients that conceive without a pause, and write down what they were told. Owns how they connect; does not know
 * what happens to whom they ask.
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import { uuidv7 } from 'uuidv7';

const MUTATION = 'mutation ($id: ID) { conceive(id: $id) { id } }';

/** What was sent, and came back as anything else than what was asked for. */
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

  /** The lives that were conceived, by what their clients were told. */
  get acknowledged(): readonly string[] {
    return this.#acknowledged;
  }

  get failures(): readonly Failure[] {
    return this.#failures;
  }

  /**
   * More clients.
   *
   * @param connection kept: for as long as they are not told that an answer was its last
   * @param pick whom to connect to, a URL; asked for each new connection
   */
  add(number: number, connection: Failure['connection'], pick: () => string): void {
    for (let count = 0; count < number; count += 1) {
      this.#clients.push(this.#client(connection, pick));
    }
  }

  /** Waits until so many more lives have been conceived. */
  async untilAcknowledged(number: number): Promise<void> {
    const enough = this.#acknowledged.length + number;
    while (this.#acknowledged.length < enough) {
      const [failure] = this.#failures;
      if (failure !== undefined) throw new Error('Not answered.', { cause: failure });
      await new Promise(setImmediate);
    }
  }

  /** @returns once every request has come to its end */
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
