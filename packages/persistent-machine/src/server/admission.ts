/**
 * Admission: whether there is room for a request, asked before its body is read, and how a request is refused where
 * there is none. Owns how late the process is, and the pace of refusals; does not know what is asked.
 *
 * Refusals must leave the processor to the requests that are served. One costs most of what a small query costs, since
 * reading the request and writing to its socket are the larger part of both; and a client that is refused at once may
 * send the next request at once. So while requests wait for their turn, one refusal is written for a few of them that are
 * served: the other clients hear a little later, and send nothing meanwhile.
 */
import type { FastifyReply, onRequestHookHandler } from 'fastify';
import { DatabaseUnavailable, Overloaded } from '../database/failures';
import { Cohorts } from './cohorts';
import { tellFailure } from './errors';
import type { Observation } from './observation';

export interface AdmissionSettings {
  /** The most requests that wait for their turn. */
  readonly maxQueue: number;
  /** Whether a queue that any request may need is full. */
  readonly isFull: () => boolean;
  /** Whether no request should begin to wait for the database; said at once where nothing is wrong. */
  readonly isDatabaseDown: () => false | Promise<boolean>;
  /** How long a request may take, in milliseconds. */
  readonly requestTimeout: number;
  /** Told of each request that is refused. */
  readonly onRefusal: (observation: Observation, code: string, status: number) => void;
}

/** How often it is measured how late the event loop is, in milliseconds. */
const TICK = 50;

/** How many refusals are written for each request that is served, while others wait. */
const REFUSALS_PER_SERVED = 1 / 4;

/** For how long a refusal may be kept, as a part of a request's time. */
const LONGEST_KEPT = 1 / 5;

const STATUS = 503;

/** What is the same for all requests that are refused for one reason. */
interface Reason {
  readonly code: string;
  /** The answer around the request's id. */
  readonly head: string;
  readonly tail: string;
}

function reasonOf(failure: Error): Reason {
  const { code, message } = tellFailure(failure);
  const extensions = { code, requestId: '' };
  const [head = '', tail = ''] = JSON.stringify({ errors: [{ message, extensions }] }).split('""');
  return { code, head: `${head}"`, tail: `"${tail}` };
}

/** Made once: an error for each refusal, with its stack, takes an eighth of the time under overload. */
const OVERLOADED = reasonOf(new Overloaded());
const UNAVAILABLE = reasonOf(new DatabaseUnavailable());

interface Refusal {
  readonly reply: FastifyReply;
  readonly reason: Reason;
  readonly since: number;
}

export class Admission {
  /** In which those that are let in are served. */
  readonly cohorts: Cohorts;
  readonly #settings: AdmissionSettings;
  readonly #ticking: NodeJS.Timeout;
  #tickedAt = performance.now();
  /** By how much the last tick came too late: so long has a request waited unread that is read now. */
  #lag = 0;
  /** The oldest first. There is one for each connection at the most. */
  #refusals: Refusal[] = [];
  /** How many refusals may be written for the requests that were served. */
  #due = 0;
  #isTelling = false;

  constructor(settings: AdmissionSettings) {
    this.#settings = settings;
    this.cohorts = new Cohorts(settings.maxQueue, (served) => {
      this.#tellFor(served);
    });
    this.#ticking = setInterval(() => {
      const now = performance.now();
      this.#lag = Math.max(0, now - this.#tickedAt - TICK);
      this.#tickedAt = now;
    }, TICK).unref();
  }

  /** Whether a request that comes now finds no room, or comes too late to be answered in its time. */
  get isFull(): boolean {
    return this.cohorts.isFull || this.#settings.isFull() || this.#isLate;
  }

  /**
   * Half of a request's time, since what follows takes some turns of the event loop, too. By the oldest that waits, and
   * not by an average, which hides one long turn among short ones.
   */
  get #isLate(): boolean {
    return this.#lag + this.cohorts.age > this.#settings.requestTimeout / 2;
  }

  /** Lets a request in, or refuses it. */
  readonly onRequest: onRequestHookHandler = (_request, reply, done) => {
    if (this.isFull) {
      this.#refuse(reply, OVERLOADED);
      return;
    }
    const isDown = this.#settings.isDatabaseDown();
    if (isDown === false) {
      done();
      return;
    }
    void isDown.then((is) => {
      if (is) this.#refuse(reply, UNAVAILABLE);
      else done();
    });
  };

  stop(): void {
    clearInterval(this.#ticking);
    this.#tell(this.#refusals.length);
  }

  #refuse(reply: FastifyReply, reason: Reason): void {
    reply.hijack();
    this.#refusals.push({ reply, reason, since: performance.now() });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isTelling || this.#refusals.length === 0) return;
    this.#isTelling = true;
    setImmediate(this.#tellOthers);
  }

  /** All of them where none is served meanwhile; else those that have been kept for long enough. */
  readonly #tellOthers = (): void => {
    this.#isTelling = false;
    let count = this.#refusals.length;
    if (this.cohorts.length > 0) {
      const overdue = performance.now() - LONGEST_KEPT * this.#settings.requestTimeout;
      const kept = this.#refusals.findIndex(({ since }) => since > overdue);
      if (kept >= 0) count = kept;
    }
    this.#tell(count);
    this.#schedule();
  };

  /** As many as go with so many requests that were served. */
  #tellFor(served: number): void {
    this.#due += served * REFUSALS_PER_SERVED;
    const whole = Math.floor(this.#due);
    this.#due -= whole;
    this.#tell(whole);
  }

  #tell(count: number): void {
    if (count === 0 || this.#refusals.length === 0) return;
    for (const { reply, reason } of this.#refusals.splice(0, count)) {
      const { observation } = reply.request;
      this.#settings.onRefusal(observation, reason.code, STATUS);
      const body = reason.head + observation.requestId + reason.tail;
      reply.raw
        .writeHead(STATUS, {
          ...(reply.getHeaders() as Record<string, string>),
          'content-type': 'application/json; charset=utf-8',
          'content-length': Buffer.byteLength(body),
          'retry-after': '1',
        })
        .end(body);
    }
  }
}
