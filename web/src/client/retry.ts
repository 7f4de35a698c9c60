/**
 * Sends again what failed for a passing reason. A mutation carries its key among its variables, which stay the
 * same: so whatever became of an attempt, it happens once. Does not know what is sent.
 */
import { ApolloLink } from '@apollo/client/link';
import { CombinedGraphQLErrors } from '@apollo/client/errors';
import { catchError, defer, map, of, retry, throwError, timer } from 'rxjs';
import { backoff } from './backoff';
import { isPassing, retryAfter } from './failures';

/** Some twenty seconds. */
const ATTEMPTS = 8;

/** An answer whose errors may not be there the next time; it is the answer when there is no next time. */
class PassingAnswer {
  readonly result: ApolloLink.Result;

  constructor(result: ApolloLink.Result) {
    this.result = result;
  }
}

export function retryLink(): ApolloLink {
  return new ApolloLink((operation, forward) =>
    defer(() => forward(operation)).pipe(
      map((result) => {
        if (!result.errors?.length || !isPassing(new CombinedGraphQLErrors(result))) return result;
        // With the key that the server says, where it says one: it may know better than we do.
        const { idempotencyKey, id } = result.errors[0]?.extensions ?? {};
        if (idempotencyKey !== undefined) operation.variables['idempotencyKey'] = idempotencyKey;
        else if (id !== undefined) operation.variables['id'] = id;
        throw new PassingAnswer(result) as unknown as Error;
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
