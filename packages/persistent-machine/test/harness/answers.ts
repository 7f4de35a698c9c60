/**
 * Records what PostgreSQL answered to the named statements of this process, so that a test can prove that a fault has
 * happened. All statements of a process go through one method.
 */
import { Client, DatabaseError } from 'pg';

export interface Answers {
  /** The answers to the statements of this name, in order: `ok`, an error's code, or `lost`. */
  of(statement: string): readonly string[];
  /** The sessions that have sent named statements. */
  readonly sessions: ReadonlySet<Client>;
  stop(): void;
}

export function watchAnswers(): Answers {
  const answers: { readonly statement: string; readonly answer: string }[] = [];
  const sessions = new Set<Client>();
  const original: unknown = Reflect.get(Client.prototype, 'query');
  // `query` has many overloads: arguments and results pass through unchanged.
  const query = jest.spyOn(Client.prototype, 'query').mockImplementation(function (
    this: Client,
    ...given: readonly unknown[]
  ) {
    const answer: unknown = Reflect.apply(original as () => unknown, this, given);
    const statement = nameOf(given[0]);
    if (statement !== undefined && answer instanceof Promise) {
      sessions.add(this);
      answer.then(
        () => answers.push({ statement, answer: 'ok' }),
        (error: unknown) => answers.push({ statement, answer: codeOf(error) }),
      );
    }
    return answer;
  });
  return {
    of: (statement) =>
      answers.filter((each) => each.statement === statement).map(({ answer }) => answer),
    sessions,
    stop: () => {
      query.mockRestore();
    },
  };
}

function nameOf(query: unknown): string | undefined {
  if (typeof query !== 'object' || query === null) return undefined;
  const name: unknown = Reflect.get(query, 'name');
  return typeof name === 'string' ? name : undefined;
}

function codeOf(error: unknown): string {
  return error instanceof DatabaseError ? (error.code ?? 'none') : 'lost';
}
