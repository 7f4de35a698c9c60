/**
 * Admission: decides whether there is room for a request before its body is read, and refuses it if not (load
 * shedding). Measures how late the event loop is, and paces the refusals. Does not know what requests ask.
 *
 * A refusal costs most of what a small query costs, because both mainly read from a socket and write to it. And a
 * client that is refused at once may send its next request at once. So while admitted requests wait, the server
 * delays refusals: it writes one for every few requests that it serves. A client that waits for its refusal sends
 * nothing.
 */
import type { FastifyReply, onRequestHookHandler } from 'fastify';
import { DatabaseUnavailable, Overloaded } from '../database/failures';
import { Cohorts } from './cohorts';
import { describeFailure } from './errors';
import type { Observation } from './observation';

export interface AdmissionSettings {
  /** The most requests that may wait for execution. */
  readonly maxQueue: number;
  /** Whether a queue that any request may need is full. */
  readonly isFull: () => boolean;
  /** Whether requests should be refused because the database is down. Returns a promise only if it must probe. */
  readonly isDatabaseDown: () => false | Promise<boolean>;
  /** How long a request may take, in milliseconds. */
  readonly requestTimeout: number;
  /** Called for each refused request. */
  readonly onRefusal: (observation: Observation, code: string, status: number) => void;
}

/** The interval at which the lag of the event loop is measured, in milliseconds. */
const TICK = 50;

/** How many refusals are written for each served request while others wait. */
const REFUSALS_PER_SERVED = 1 / 4;

/** How long a refusal may be delayed, as a part of the request timeout. */
const LONGEST_KEPT = 1 / 5;

const STATUS = 503;

/** The parts that all refusals for one reason share. */
interface Reason {
  readonly code: string;
  /** The body before the request's id; `tail` is the body after it. */
  readonly head: string;
  readonly tail: string;
}

function reasonOf(failure: Error): Reason {
  const { code, message } = describeFailure(failure);
  const extensions = { code, requestId: '' };
  const [head = '', tail = ''] = JSON.stringify({ errors: [{ message, extensions }] }).split('""');
  return { code, head: `${head}"`, tail: `"${tail}` };
}

/** Made once: an error with a stack for each refusal would take an eighth of the time under overload. */
const OVERLOADED = reasonOf(new Overloaded());
const UNAVAILABLE = reasonOf(new DatabaseUnavailable());

interface Refusal {
  readonly reply: FastifyReply;
  readonly reason: Reason;
  readonly since: number;
}

export class Admission {
  /** The queue of admitted requests. */
  readonly cohorts: Cohorts;
  readonly #settings: AdmissionSettings;
  readonly #ticking: NodeJS.Timeout;
  #tickedAt = performance.now();
  /** How late the last tick came: a request that is read now has waited that long in the socket. */
  #lag = 0;
  /** The oldest first. Pipelining allows one for each connection, which bounds them. */
  #refusals: Refusal[] = [];
  /** How many refusals the served requests have earned. */
  #due = 0;
  #isScheduled = false;

  constructor(settings: AdmissionSettings) {
    this.#settings = settings;
    this.cohorts = new Cohorts(settings.maxQueue, (served) => {
      this.#sendFor(served);
    });
    this.#ticking = setInterval(() => {
      const now = performance.now();
      this.#lag = Math.max(0, now - this.#tickedAt - TICK);
      this.#tickedAt = now;
    }, TICK).unref();
  }

  /** Whether a request that comes now would find a full queue, or could not be answered before its deadline. */
  get isFull(): boolean {
    return this.cohorts.isFull || this.#settings.isFull() || this.#isLate;
  }

  /**
   * Allows half of the request timeout for waiting, because execution takes some turns of the event loop, too. Looks
   * at the oldest waiting request: an average would hide one long turn among short ones.
   */
  get #isLate(): boolean {
    return this.#lag + this.cohorts.age > this.#settings.requestTimeout / 2;
  }

  /** Admits a request, or refuses it. */
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
    this.#send(this.#refusals.length);
  }

  #refuse(reply: FastifyReply, reason: Reason): void {
    reply.hijack();
    this.#refusals.push({ reply, reason, since: performance.now() });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#refusals.length === 0) return;
    this.#isScheduled = true;
    setImmediate(this.#sendDue);
  }

  /** Writes all refusals if no request waits; else only those that have been delayed long enough. */
  readonly #sendDue = (): void => {
    this.#isScheduled = false;
    let count = this.#refusals.length;
    if (this.cohorts.length > 0) {
      const overdue = performance.now() - LONGEST_KEPT * this.#settings.requestTimeout;
      const kept = this.#refusals.findIndex(({ since }) => since > overdue);
      if (kept >= 0) count = kept;
    }
    this.#send(count);
    this.#schedule();
  };

  /** Writes the refusals that the served requests have earned. */
  #sendFor(served: number): void {
    this.#due += served * REFUSALS_PER_SERVED;
    const whole = Math.floor(this.#due);
    this.#due -= whole;
    this.#send(whole);
  }

  #send(count: number): void {
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
