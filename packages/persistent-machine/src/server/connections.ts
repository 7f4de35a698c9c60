/**
 * Limits the number of client connections, and how slowly a client may read its answers. Does not know the requests.
 */
import { readFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import type { FastifyBaseLogger } from 'fastify';
import { bytesTaken } from '../internals';

/** Descriptors for everything but connections: three times as many as an idle process has open. */
const OTHER_DESCRIPTORS = 64;

/** How many times a slow client is looked at before its connection is reset. */
const LOOKS = 4;

/**
 * The slowest rate at which a client may read, in bytes per second. Without it, a byte now and then would be enough.
 */
const LEAST_RATE = 10_000;

/** The shortest time between two warnings, in milliseconds. */
const BETWEEN_WARNINGS = 10_000;

/**
 * @param reserved how many descriptors the connections to the database may need
 * @returns how many client connections leave enough descriptors for the rest; Infinity if the system tells no limit
 */
export function roomForConnections(reserved: number): number {
  const limit = descriptorLimit();
  // For a tiny limit, half of it is better than none.
  return Math.max(limit - OTHER_DESCRIPTORS - reserved, Math.floor(limit / 2));
}

/** The limit of this process, which Linux tells in a file: proc_pid_limits(5). */
function descriptorLimit(): number {
  try {
    const [, limit] =
      /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return limit === undefined ? Infinity : Number(limit);
  } catch {
    return Infinity;
  }
}

/** How far a client has read what was written to it. */
interface Progress {
  readonly taken: number;
  /** How many looks ago it had read so much. */
  readonly looks: number;
}

export class Connections {
  readonly #most: number;
  readonly #patience: number;
  readonly #log: FastifyBaseLogger;
  /** By watched connection; undefined if the client has read everything. */
  readonly #progress = new Map<Socket, Progress | undefined>();
  readonly #known = new WeakSet<Socket>();

  /**
   * @param most how many may be open; further ones are closed at once
   * @param patience how long a client may read slower than the least rate, in milliseconds
   */
  constructor(most: number, patience: number, log: FastifyBaseLogger) {
    this.#most = Math.floor(most);
    this.#patience = patience;
    this.#log = log;
  }

  /** Limits the connections of a server, and watches each. */
  watchAll(server: Server): void {
    if (this.#most !== Infinity) server.maxConnections = this.#most;
    server.on('drop', this.#warn('Too many connections: new ones are refused'));
    server.on('connection', (socket) => {
      this.watch(socket);
      // A request that asked for another protocol is emitted again.
      if (this.#known.has(socket)) return;
      this.#known.add(socket);
      socket.once('close', () => this.#progress.delete(socket));
    });
    server.once('listening', () => {
      // A connection that cannot be accepted would otherwise end the process.
      server.on('error', this.#warn('A connection could not be accepted'));
      const looking = setInterval(this.#look, Math.ceil(this.#patience / LOOKS)).unref();
      server.once('close', () => {
        clearInterval(looking);
      });
    });
  }

  /** Resets the connection if its client does not read its answers. */
  watch(socket: Socket): void {
    if (!socket.destroyed) this.#progress.set(socket, this.#progress.get(socket));
  }

  /** Stops watching: sockets and event streams have rules of their own. */
  release(socket: Socket): void {
    this.#progress.delete(socket);
  }

  // Counts looks, not time: after a long pause of this process, its clients may have read everything.
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
        // A mere end would leave the unread data to the operating system for minutes.
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
