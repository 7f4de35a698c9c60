/**
 * Sends again what failed for a passing reason. A mutation carries its key among its variables, which stay the
 * same, and which are what OUTCOME_UNKNOWN says to retry with: so whatever became of an attempt, it happens
 * once. Does not know what is sent.
 */
import { ApolloLink } from '@apollo/client/link';
import { CombinedGraphQLErrors } from '@apollo/client/errors';
import { catchError, defer, map, of, retry, throwError, timer } from 'rxjs';
import { backoff } from './backoff';
import { isPassing, retryAfter } from './failures';

/** Some twenty seconds. */
const ATTEMPTS = 8;

/** An answer whose errors may not be there the next time; it is the answer when there is no next time. */
class PassingAnswer extends Error {
  override readonly name = 'PassingAnswer';
  readonly result: ApolloLink.Result;

  constructor(result: ApolloLink.Result) {
    super('An answer with errors that may pass.');
    this.result = result;
  }
}

export function retryLink(): ApolloLink {
  return new ApolloLink((operation, forward) =>
    defer(() => forward(operation)).pipe(
      map((result) => {
        if (!result.errors?.length || !isPassing(new CombinedGraphQLErrors(result))) return result;
        throw new PassingAnswer(result);
      }),
      retry({
        count: ATTEMPTS - 1,
        delay: (error: unknown, attempt) =>
          error instanceof PassingAnswer || isPassing(error)
            ? timer(Math.max(backoff(attempt), retryAfter(error)))
            : throwError(() => error),
      }),
      catchError((error: unknown) =>
        error instanceof PassingAnswer ? of(error.result) : throwError(() => error),
      ),
    ),
  );
}
