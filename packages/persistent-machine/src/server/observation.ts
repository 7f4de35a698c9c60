/**
 * Reports the outcome of every request and subscription to the log and the metrics. Does not know the transport. It
 * never sees variables, documents, tokens, addresses or query strings, and so cannot leak them.
 */
import type { FastifyBaseLogger } from 'fastify';
import type { OperationDefinitionNode } from 'graphql';
import type { Metrics } from '../metrics';
import { isFailure } from './errors';

/** The longest name of an operation that is logged. */
const LONGEST_NAME = 64;

/** The most log lines a second about refusals and failures: a client that floods the server must not flood the log. */
const MOST_LINES = 100;

/** What is known of one request, from its arrival to the report of its outcome. */
export class Observation {
  /** When the request arrived, on the clock of `performance.now()`. */
  readonly since = performance.now();
  /** `none` until the document has been read. */
  operation: `${OperationDefinitionNode['operation']}` | 'none' = 'none';
  operationName: string | undefined;
  /** The first typed refusal, such as `IllegalTransition`. It is an outcome, not an error. */
  refusal: string | undefined;
  /** Whether the outcome has been reported. */
  isReported = false;

  constructor(readonly requestId: string) {}

  /** Records which operation the request asks for. */
  identify({ operation, name }: OperationDefinitionNode): void {
    this.operation = operation;
    if (name && name.value.length <= LONGEST_NAME) this.operationName = name.value;
  }

  /** The time since the arrival, in milliseconds. */
  get duration(): number {
    return performance.now() - this.since;
  }
}

export class Observer {
  readonly #log: FastifyBaseLogger;
  readonly #metrics: Metrics;
  /** Whether successes are logged. If not, their lines are not even made. */
  readonly #isVerbose: boolean;
  /** The current second, its number of lines, and the number of lines held back since the last one written. */
  #second = 0;
  #lines = 0;
  #heldBack = 0;

  constructor(log: FastifyBaseLogger, metrics: Metrics) {
    this.#log = log;
    this.#metrics = metrics;
    this.#isVerbose = log.level === 'debug' || log.level === 'trace';
  }

  /**
   * Reports that a request was answered, or a subscription accepted or refused. Only the first report of a request
   * counts.
   *
   * @param code of the first error; `OK` if there is none
   * @param status of the HTTP answer; undefined on a WebSocket
   */
  answered(observation: Observation, code: string, status?: number): void {
    if (observation.isReported) return;
    observation.isReported = true;
    const { operation, duration } = observation;
    if (code !== 'OK') {
      this.#metrics.countRequest(operation, code, duration);
      this.#logError(observation, code, { status }, 'Request');
      return;
    }
    // Probes, scrapes and requests for files have no operation.
    const isOperation = operation !== 'none';
    if (isOperation) this.#metrics.countRequest(operation, code, duration);
    if (!this.#isVerbose) return;
    const what = operation === 'subscription' ? 'Subscription began' : 'Request answered';
    this.#log[isOperation ? 'debug' : 'trace'](lineOf(observation, { status }), what);
  }

  /**
   * Reports that an accepted subscription has ended.
   *
   * @param code of the error that ended it; `OK` if the client or the server ended it
   */
  ended(observation: Observation, code: string): void {
    if (code === 'OK') {
      if (this.#isVerbose) this.#log.debug(lineOf(observation), 'Subscription ended');
    } else {
      this.#metrics.countSubscriptionError(code);
      this.#logError(observation, code, {}, 'Subscription');
    }
  }

  /** Reports a result with errors. The subscription goes on. */
  resultFailed(code: string): void {
    this.#metrics.countSubscriptionError(code);
  }

  #logError(
    observation: Observation,
    code: string,
    facts: { readonly status?: number | undefined },
    what: string,
  ): void {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#lines = 0;
    }
    if (this.#lines >= MOST_LINES) {
      this.#heldBack += 1;
      return;
    }
    this.#lines += 1;
    const heldBack = this.#heldBack === 0 ? undefined : this.#heldBack;
    this.#heldBack = 0;
    const line = lineOf(observation, { ...facts, code, heldBack });
    if (isFailure(code)) this.#log.warn(line, `${what} failed`);
    else this.#log.info(line, `${what} refused`);
  }
}

/** The logger omits facts that are undefined. */
function lineOf(
  { requestId, operation, operationName, refusal, duration }: Observation,
  facts: Readonly<Record<string, string | number | undefined>> = {},
): object {
  const durationMs = Math.round(duration * 100) / 100;
  return { requestId, operation, operationName, ...facts, refusal, durationMs };
}
