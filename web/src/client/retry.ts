/**
 * Sends again what failed for a passing reason, until the server answers, for callers that can say so to a person. A
 * mutation carries its key among its variables, which stay the same: so it happens once, however often it is sent. Does
 * not know what is sent.
 */
import { ApolloLink } from '@apollo/client/link';
import { CombinedGraphQLErrors } from '@apollo/client/errors';
import { catchError, defer, from, map, of, retry, tap, throwError } from 'rxjs';
import { backoff, pause } from './backoff';
import { isPassing, retryAfter } from './failures';

/** What an operation's context has as `resend`. Without it, the caller is given every failure. */
export interface Resend {
  /** Is told each failure after which the operation is sent again, and undefined once that is over. */
  readonly tell: (trouble: unknown) => void;
  /** Once it comes, nothing is sent again: the last failure is the answer. */
  readonly signal?: AbortSignal;
}

/** An answer whose errors may not be there the next time; it is the answer when there is no next time. */
class PassingAnswer extends Error {
  override readonly name = 'PassingAnswer';
  readonly result: ApolloLink.Result;
  readonly errors: CombinedGraphQLErrors;

  constructor(result: ApolloLink.Result, errors: CombinedGraphQLErrors) {
    super('An answer with errors that may pass.');
    this.result = result;
    this.errors = errors;
  }
}

const NEVER = new AbortController().signal;

export function retryLink(): ApolloLink {
  return new ApolloLink((operation, forward) => {
    const resend = operation.getContext()['resend'] as Resend | undefined;
    if (resend === undefined) return forward(operation);
    const { tell, signal = NEVER } = resend;
    return defer(() => forward(operation)).pipe(
      map((result) => {
        if (!result.errors?.length) return result;
        const errors = new CombinedGraphQLErrors(result);
        if (!isPassing(errors)) return result;
        throw new PassingAnswer(result, errors);
      }),
      retry({
        delay: (error: unknown, attempt) => {
          const reason = error instanceof PassingAnswer ? error.errors : error;
          if (!isPassing(reason) || signal.aborted) return throwError(() => error);
          tell(reason);
          const duration = Math.max(backoff(attempt), retryAfter(reason));
          return from(pause(duration, signal)).pipe(
            tap(() => {
              if (signal.aborted) throw error;
            }),
          );
        },
      }),
      catchError((error: unknown) =>
        error instanceof PassingAnswer ? of(error.result) : throwError(() => error),
      ),
      tap({
        next: () => {
          tell(undefined);
        },
        error: () => {
          tell(undefined);
        },
      }),
    );
  });
}
