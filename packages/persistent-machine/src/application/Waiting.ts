/**
 * Waiting for the database: what listens in the application's place meanwhile, and at which port it leaves off. Does not
 * know what is waited for.
 */
import type { FastifyBaseLogger } from 'fastify';
import type { Configuration } from '../config';
import { type WaitingRoom, openWaitingRoom } from '../server/waitingRoom';
import { listening } from './listening';

export class Waiting {
  readonly #configuration: Configuration;
  readonly #mostConnections: number;
  readonly #log: FastifyBaseLogger;
  #room: Promise<WaitingRoom> | undefined;
  #port: number;

  /** @param mostConnections the most connections of clients */
  constructor(configuration: Configuration, mostConnections: number, log: FastifyBaseLogger) {
    this.#configuration = configuration;
    this.#mostConnections = mostConnections;
    this.#log = log;
    this.#port = configuration.port;
  }

  /** Where the application is to listen: where it has been waited, if it has been. */
  get port(): number {
    return this.#port;
  }

  /**
   * Begins to listen, if it does not yet.
   *
   * @throws StartError
   */
  async enter(): Promise<void> {
    this.#room ??= listening(this.#open(), this.#configuration);
    try {
      ({ port: this.#port } = await this.#room);
    } catch (error) {
      this.#room = undefined;
      throw error;
    }
  }

  async leave(): Promise<void> {
    // What kept it from opening has been told.
    const room = await this.#room?.catch(() => undefined);
    this.#room = undefined;
    await room?.close();
  }

  async #open(): Promise<WaitingRoom> {
    const settings = {
      ...this.#configuration,
      port: this.#port,
      mostConnections: this.#mostConnections,
    };
    return openWaitingRoom(settings, this.#log);
  }
}
