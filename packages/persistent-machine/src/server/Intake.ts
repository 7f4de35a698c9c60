/**
 * What a client says on its WebSocket, handed over message by message: hardly anything before the connection is
 * acknowledged, and after that no faster than the client takes what it is answered (backpressure). Does not know
 * what the messages say.
 */
import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WebSocket } from '@fastify/websocket';
import { CloseCode } from 'graphql-ws';

/** Before it is acknowledged, the most bytes of a client, which a token fits into, and the most messages and pings. */
const FIRST_BYTES = 16_000;
const FIRST_MESSAGES = 10;

/** How many characters of messages are handed over in one turn of the event loop; an answer can be a hundred times as long. */
const TURN = 1_000;

/** "Invalid frame payload data", by RFC 6455: what `ws` itself closes with where a text is not UTF-8. */
const NOT_UTF8 = 1007;

export class Intake {
  readonly #socket: WebSocket;
  readonly #tcp: Socket;
  readonly #receive: (message: string) => void;
  /** At most what came in one piece from the network: while messages wait, the connection is not read from. */
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

  /** @param receive called with each message; what it answers at once is written before the next turn */
  constructor(socket: WebSocket, tcp: Socket, receive: (message: string) => void) {
    this.#socket = socket;
    this.#tcp = tcp;
    this.#receive = receive;
    // Before the listener of `ws`, so that what is too much is not looked into.
    tcp.prependListener('data', this.#countBytes);
    // A client that is behind is not listened to; that it takes something shows that it is there.
    tcp.on('drain', () => {
      this.#heardAt = performance.now();
    });
    socket.on('ping', this.#heard).on('pong', this.#heard);
    socket.on('message', (message: Buffer) => {
      this.#heard();
      this.#take(message);
    });
  }

  /** For how long nothing has been heard of the client, in milliseconds. */
  get silence(): number {
    return performance.now() - this.#heardAt;
  }

  /** It is known who asks: from now on as much is read as the client takes in answers. */
  acknowledge(): void {
    this.#tcp.off('data', this.#countBytes);
    this.#countMessage = undefined;
  }

  readonly #heard = (): void => {
    this.#heardAt = performance.now();
    this.#countMessage?.();
  };

  #refuse(): void {
    this.#socket.close(CloseCode.BadRequest, 'Too much before the connection is acknowledged');
  }

  #take(message: Buffer): void {
    // What comes after a close is no longer of interest; `ws` reads on for the client's own close.
    if (!this.#isOpen()) return;
    // A binary message is JSON, too. Decoded with replacements, two different texts would become one.
    if (!isUtf8(message)) {
      this.#socket.close(NOT_UTF8, 'A message is UTF-8');
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
