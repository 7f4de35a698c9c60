/**
 * Hands over a client's WebSocket messages one by one. Before the connection is acknowledged it takes only a few; after
 * that it reads no faster than the client reads its answers (backpressure). Does not know the content of messages.
 */
import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WebSocket } from '@fastify/websocket';
import { CloseCode } from 'graphql-ws';

/** The most bytes before the acknowledgement, enough for a token, and the most messages and pings. */
const FIRST_BYTES = 16_000;
const FIRST_MESSAGES = 10;

/** The characters of messages that one turn of the event loop hands over. An answer can be a hundred times as long. */
const TURN = 1_000;

/** "Invalid frame payload data", by RFC 6455. `ws` itself closes with it if a text message is not UTF-8. */
const NOT_UTF8 = 1007;

export class Intake {
  readonly #socket: WebSocket;
  readonly #tcp: Socket;
  readonly #receive: (message: string) => void;
  /** Holds the messages of one network read at most: while messages wait, the connection is not read. */
  readonly #waiting: string[] = [];
  #handing = false;
  #firstBytes = 0;
  #firstMessages = 0;
  #heardAt = performance.now();
  readonly #countBytes = (piece: Buffer): void => {
    this.#firstBytes += piece.length;
    if (this.#firstBytes > FIRST_BYTES) this.#refuse();
  };
  #countMessage: (() => void) | undefined = () => {
    this.#firstMessages += 1;
    if (this.#firstMessages > FIRST_MESSAGES) this.#refuse();
  };

  /** @param receive called with each message; answers that it gives at once are written before the next turn */
  constructor(socket: WebSocket, tcp: Socket, receive: (message: string) => void) {
    this.#socket = socket;
    this.#tcp = tcp;
    this.#receive = receive;
    // Before the listener of `ws`, so that `ws` does not parse what exceeds the limit.
    tcp.prependListener('data', this.#countBytes);
    // Messages of a client that is behind are not read, but a drain shows that the client is there.
    tcp.on('drain', () => {
      this.#heardAt = performance.now();
    });
    socket.on('ping', this.#heard).on('pong', this.#heard);
    socket.on('message', (message: Buffer) => {
      this.#heard();
      this.#take(message);
    });
  }

  /** How long nothing has been heard of the client, in milliseconds. */
  get silence(): number {
    return performance.now() - this.#heardAt;
  }

  /** Lifts the limits for unauthenticated clients. From now on backpressure alone limits the client. */
  acknowledge(): void {
    this.#tcp.off('data', this.#countBytes);
    this.#countMessage = undefined;
  }

  readonly #heard = (): void => {
    this.#heardAt = performance.now();
    this.#countMessage?.();
  };

  #refuse(): void {
    this.#socket.close(CloseCode.BadRequest, 'Too much data before connection_ack');
  }

  #take(message: Buffer): void {
    // After a close `ws` reads on, to see the client's own close.
    if (!this.#isOpen()) return;
    // A binary message may hold JSON, too. Decoding with replacement characters would make two different texts equal.
    if (!isUtf8(message)) {
      this.#socket.close(NOT_UTF8, 'A message must be UTF-8');
      return;
    }
    this.#waiting.push(message.toString());
    if (this.#handing) this.#socket.pause();
    else void this.#handOver();
  }

  async #handOver(): Promise<void> {
    this.#handing = true;
    while (this.#waiting.length > 0) {
      for (let handed = 0; handed < TURN && this.#isOpen();) {
        const message = this.#waiting.shift();
        if (message === undefined) break;
        handed += message.length;
        this.#receive(message);
      }
      await nextTurn();
      await this.#roomForAnswers();
      if (!this.#isOpen()) this.#waiting.length = 0;
    }
    this.#handing = false;
    if (this.#socket.isPaused) this.#socket.resume();
  }

  async #roomForAnswers(): Promise<void> {
    if (!this.#tcp.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        this.#tcp.off('drain', goOn);
        this.#socket.off('close', goOn);
        resolve();
      };
      this.#tcp.on('drain', goOn);
      this.#socket.on('close', goOn);
    });
  }

  #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }
}
