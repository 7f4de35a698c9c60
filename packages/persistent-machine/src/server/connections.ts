/**
 * Owns how many connections of clients there are, and for how long one may keep an answer that it does not take. It
 * deliberately does not know what is asked.
 */
import { readFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import type { FastifyBaseLogger } from 'fastify';
import { bytesTaken } from '../internals';

/** Descriptors that a process has open or may need beside connections: three times as many as an idle one has. */
const OTHER_DESCRIPTORS = 64;

/** In how many parts the time is divided that a client has for taking an answer. */
const LOOKS = 4;

/** What a client takes at least, in bytes a second; a client that takes a byte now and then does not take its answer. */
const LEAST_RATE = 10_000;

/** How often at most it is told that connections are refused, in milliseconds. */
const BETWEEN_WARNINGS = 10_000;

/**
 * The most connections that a server may have open, so that descriptors are left for all else.
 *
 * @param reserved how many descriptors the database's connections may need
 * @returns Infinity where the system tells no limit
 */
export function roomForConnections(reserved: number): number {
  const limit = descriptorLimit();
  // Where the limit is tiny, half of it is a better guess than none.
  return Math.max(limit - OTHER_DESCRIPTORS - reserved, Math.floor(limit / 2));
}

/** Of this process; Linux tells it in a file (proc_pid_limits(5)). */
function descriptorLimit(): number {
  try {
    const [, limit] =
      /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return limit === undefined ? Infinity : Number(limit);
  } catch {
    return Infinity;
  }
}

/** How far a client has come with what is written for it. */
interface Progress {
  readonly taken: number;
  /** How many looks ago it had taken so much. */
  readonly looks: number;
}

export class Connections {
  readonly #most: number;
  readonly #patience: number;
  readonly #log: FastifyBaseLogger;
  /** Those that are looked after; undefined: nothing waits for its client. */
  readonly #progress = new Map<Socket, Progress | undefined>();
  readonly #known = new WeakSet<Socket>();

  /**
   * @param most how many may be open; more are closed as soon as they are made
   * @param patience how long a client may take nothing of its answer, in milliseconds
   */
  constructor(most: number, patience: number, log: FastifyBaseLogger) {
    this.#most = Math.floor(most);
    this.#patience = patience;
    this.#log = log;
  }

  /** Bounds the connections of a server, and has its clients take their answers. */
  lookAfterAll(server: Server): void {
    if (this.#most !== Infinity) server.maxConnections = this.#most;
    server.on('drop', this.#warn('Too many connections: new ones are refused'));
    server.on('connection', (socket) => {
      this.lookAfter(socket);
      // One that asked for another protocol comes again.
      if (this.#known.has(socket)) return;
      this.#known.add(socket);
      socket.once('close', () => this.#progress.delete(socket));
    });
    server.once('listening', () => {
      // Of a connection that could not be taken; without a listener it would end the process.
      server.on('error', this.#warn('A connection could not be taken'));
      const looking = setInterval(this.#look, Math.ceil(this.#patience / LOOKS)).unref();
      server.once('close', () => {
        clearInterval(looking);
      });
    });
  }

  /** Gives a client's connection up when it does not take its answers. */
  lookAfter(socket: Socket): void {
    if (!socket.destroyed) this.#progress.set(socket, this.#progress.get(socket));
  }

  /** Leaves a connection to a part that has a rule of its own. */
  release(socket: Socket): void {
    this.#progress.delete(socket);
  }

  // Counted in looks, not by a clock: after a long pause of this process its clients may have taken everything.
  readonly #look = (): void => {
    const least = (LEAST_RATE * this.#patience) / 1_000;
    for (const [socket, progress] of this.#progress) {
      if (socket.writableLength === 0) {
        if (progress) this.#progress.set(socket, undefined);
        continue;
      }
      const taken = bytesTaken(socket);
      if (progress === undefined || taken - progress.taken >= least) {
        this.#progress.set(socket, { taken, looks: 0 });
      } else if (progress.looks < LOOKS) {
        this.#progress.set(socket, { taken: progress.taken, looks: progress.looks + 1 });
      } else {
        // A mere end would leave what is not taken to the operating system, for minutes.
        socket.resetAndDestroy();
      }
    }
  };

  #warn(message: string): () => void {
    let warnedAt = -Infinity;
    return () => {
      const now = performance.now();
      if (now - warnedAt < BETWEEN_WARNINGS) return;
      warnedAt = now;
      this.#log.warn({ most: this.#most }, message);
    };
  }
}
