/**
 * Opens the waiting room while the application waits for its database, and hands its port on to the application. Does
 * not know the database.
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

  /** The port for the application: that of the waiting room, if there was one. */
  get port(): number {
    return this.#port;
  }

  /**
   * Begins to listen, unless it already does.
   *
   * @throws StartError if the port cannot be used
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
    // `enter` has already thrown the error.
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
