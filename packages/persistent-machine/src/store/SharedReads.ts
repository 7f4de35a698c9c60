/**
 * Reads that many ask for at once: of those that wait for their turn, equal ones are done once. A lane by itself
 * joins only those that stand next to one another in its queue. A question never joins a read that has been sent,
 * so that its answer has whatever was committed before it was asked. Does not know what is read.
 */
import { Lane, type LaneSettings } from './Lane';

export interface SharedReadsSettings<Question, Answer> extends Pick<
  LaneSettings<Question, Answer>,
  'queueSize' | 'inFlight' | 'observe' | 'tracer'
> {
  readonly read: (question: Question) => Promise<Answer>;
  /** Questions with the same key have the same answer. */
  readonly keyOf: (question: Question) => string;
}

export class SharedReads<Question, Answer> {
  readonly #lane: Lane<Question, Answer>;
  readonly #keyOf: (question: Question) => string;
  /** What waits for its turn, by its key. */
  readonly #waiting = new Map<string, Promise<Answer>>();

  constructor({ read, keyOf, ...settings }: SharedReadsSettings<Question, Answer>) {
    this.#keyOf = keyOf;
    this.#lane = new Lane({
      ...settings,
      groupSize: 1,
      execute: async (group) => {
        const answers: Answer[] = [];
        for (const question of group) {
          this.#waiting.delete(keyOf(question));
          answers.push(await read(question));
        }
        return answers;
      },
      keyOf,
      follow: (answer) => answer,
    });
  }

  get length(): number {
    return this.#lane.length;
  }

  /**
   * @param deadline of the first caller; it counts for the callers that join
   * @throws as `Lane.submit` does
   */
  async ask(question: Question, deadline: number): Promise<Answer> {
    const key = this.#keyOf(question);
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting;
    const answer = this.#lane.submit(question, deadline);
    this.#waiting.set(key, answer);
    // One whose deadline passed was never sent.
    const forget = (): void => {
      if (this.#waiting.get(key) === answer) this.#waiting.delete(key);
    };
    answer.then(forget, forget);
    return answer;
  }
}
