/**
 * Writes results as server-sent events, as "GraphQL over Server-Sent Events" has it, at the pace of its client. Knows
 * neither HTTP's answers nor what the results are.
 */
import { Readable } from 'node:stream';
import type { ExecutionResult, FormattedExecutionResult } from 'graphql';
import { print } from 'graphql-sse';
import type { Results } from './sharedExecution';

/** How often an idle stream shows that it is there, in milliseconds; shorter than proxies wait. */
const PULSE = 12_000;

export type Errors = NonNullable<FormattedExecutionResult['errors']>;

const COMPLETE = print({ event: 'complete', data: null });

/** A stream that tells of errors and is complete. */
export function eventsOf(errors: Errors): string {
  return next({ errors }) + COMPLETE;
}

function next(result: FormattedExecutionResult): string {
  // graphql-sse types an error as graphql-js makes it; what leaves us is that, formatted.
  return print({ event: 'next', data: result as never });
}

/** @returns a stream that asks for a result when its client has room for it, and ends the results with itself */
export function streamOf(
  results: Results,
  tell: (result: ExecutionResult) => FormattedExecutionResult,
  tellError: (error: unknown) => Errors,
): Readable {
  let asking = false;
  const ask = async (stream: Readable): Promise<void> => {
    try {
      const result = await results.next();
      // Broken off, it must not look as if it had come to its end.
      if (stream.destroyed) return;
      asking = false;
      if (result.done !== true) {
        stream.push(next(tell(result.value)));
        return;
      }
      stream.push(COMPLETE);
    } catch (error) {
      if (stream.destroyed) return;
      stream.push(eventsOf(tellError(error)));
    }
    clearInterval(pulse);
    stream.push(null);
  };
  const stream = new Readable({
    read() {
      // A pulse asks again, too.
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
  // The first one has the headers sent; some browsers wait for a byte.
  stream.push(':\n\n');
  const pulse = setInterval(() => {
    if (stream.readableLength === 0) stream.push(':\n\n');
  }, PULSE);
  return stream;
}
