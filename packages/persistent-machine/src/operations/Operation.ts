/**
 * What an operation is: one SQL statement, for whom it runs, and in which lane callers wait for it. Does not know how a
 * lane works, nor who asks.
 */
import type { Statement } from '../database/Database';

/** A statement with the values of its parameters. */
export interface Query {
  readonly statement: Statement;
  readonly values: readonly unknown[];
}

/** What goes as one statement: at least one question. */
export type Group<Question> = readonly [Question, ...Question[]];

/**
 * @typeParam Question what one caller asks; a group of questions goes as one statement
 * @typeParam Answer what that caller is answered
 * @typeParam Row what the statement returns
 */
export interface Operation<Question, Answer, Row extends object = object> {
  readonly lane: LaneOf<Question>;
  /** @param group questions of one form */
  readonly query: (group: Group<Question>) => Query;
  /** @returns an answer for each question of the group, in its order */
  readonly answers: (rows: readonly Row[], group: Group<Question>) => readonly Answer[];
}

/** The settings of an operation's lane. */
export interface LaneOf<Question> {
  /** Of this lane and of no other of the machine; metrics have it as a label. */
  readonly name: string;
  /** The most questions of one statement. */
  readonly groupSize: number;
  /** The most statements in flight. */
  readonly inFlight: number;
  /** Of questions with the same key only the first one of a group is sent: its answer is that of the others, too. */
  readonly keyOf: (question: Question) => string;
  /** Only questions of one form go in one statement; left out: all are of one. */
  readonly formOf?: (question: Question) => string;
  /**
   * Subscribers or metrics wait in this lane, and requests do not: that it is full is no reason to refuse a request at
   * the entrance.
   */
  readonly isAside?: true;
}

/** The most questions of one statement, where nothing speaks for fewer. */
export const GROUP_SIZE = 256;

/** A lane in which each question is a statement of its own, and equal ones that wait are asked once. */
export function oneByOne<Question>(
  lane: Pick<LaneOf<Question>, 'name' | 'inFlight' | 'keyOf' | 'isAside'>,
): LaneOf<Question> {
  // Of one form are those that are equal: so they go together from wherever they stand in the queue.
  return { ...lane, groupSize: 1, formOf: lane.keyOf };
}
