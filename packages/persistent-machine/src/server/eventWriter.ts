/**
 * Writes results as server-sent events, by "GraphQL over Server-Sent Events", at the pace of the client. Knows
 * neither HTTP nor the results.
 */
import { Readable } from 'node:stream';
import type { ExecutionResult, FormattedExecutionResult } from 'graphql';
import { print } from 'graphql-sse';
import type { Results } from './sharedExecution';

/**
 * The time between two comments in an idle stream, in milliseconds. Proxies close a connection that is idle for
 * longer.
 */
const PULSE = 12_000;

export type Errors = NonNullable<FormattedExecutionResult['errors']>;

const COMPLETE = print({ event: 'complete', data: null });

/** The text of a stream that has these errors and is complete. */
export function eventsOf(errors: Errors): string {
  return next({ errors }) + COMPLETE;
}

function next(result: FormattedExecutionResult): string {
  // graphql-sse's type wants unformatted errors.
  return print({ event: 'next', data: result as never });
}

/** @returns a stream that asks for a result when the client has room, and ends the results when it is destroyed */
export function streamOf(
  results: Results,
  format: (result: ExecutionResult) => FormattedExecutionResult,
  formatError: (error: unknown) => Errors,
): Readable {
  let asking = false;
  const ask = async (stream: Readable): Promise<void> => {
    try {
      const result = await results.next();
      // A stream that was broken off must not look complete.
      if (stream.destroyed) return;
      asking = false;
      if (result.done !== true) {
        stream.push(next(format(result.value)));
        return;
      }
      stream.push(COMPLETE);
    } catch (error) {
      if (stream.destroyed) return;
      stream.push(eventsOf(formatError(error)));
    }
    clearInterval(pulse);
    stream.push(null);
  };
  const stream = new Readable({
    read() {
      // A pulse triggers `read` as well.
      if (asking) return;
      asking = true;
      void ask(this);
    },
    destroy(error, callback) {
      clearInterval(pulse);
      const ended = (): void => {
        callback(error);
      };
      results.return?.().then(ended, ended);
    },
  });
  // The first comment flushes the headers, and some browsers wait for a first byte.
  stream.push(':\n\n');
  const pulse = setInterval(() => {
    if (stream.readableLength === 0) stream.push(':\n\n');
  }, PULSE);
  return stream;
}
