/**
 * An operation: one SQL statement, the questions that it answers, and the settings of the lane in which they wait. It
 * does not know how a lane works.
 */
import type { Statement } from '../database/Database';

/** A statement with the values of its parameters. */
export interface Query {
  readonly statement: Statement;
  readonly values: readonly unknown[];
}

/** The questions that one statement answers; at least one. */
export type Group<Question> = readonly [Question, ...Question[]];

/**
 * @typeParam Question what one caller asks
 * @typeParam Answer what that caller gets
 * @typeParam Row a row of the statement's result
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
  /** Unique among the lanes of a machine. Metrics have it as a label. */
  readonly name: string;
  /** The most questions in one statement. */
  readonly groupSize: number;
  /** The most statements in flight at the same time. */
  readonly inFlight: number;
  /** Of the questions with the same key, a group sends only the first, and all get its answer. */
  readonly keyOf: (question: Question) => string;
  /** A statement carries only questions of the same form. Default: all questions have the same. */
  readonly formOf?: (question: Question) => string;
  /**
   * The partition of the one that a question is about. Statements of different partitions do not wait for each other,
   * and none carries questions of two. Default: the lane takes all partitions together.
   */
  readonly partitionOf?: (question: Question) => number;
  /**
   * Only subscribers or metrics wait in this lane. Admission ignores it, because a full lane of this kind does not hold
   * up requests.
   */
  readonly isAside?: true;
}

/** The usual limit of questions in one statement. */
export const GROUP_SIZE = 256;

/** A lane that sends one statement for each distinct question that waits. */
export function oneByOne<Question>(
  lane: Pick<LaneOf<Question>, 'name' | 'inFlight' | 'keyOf' | 'isAside'>,
): LaneOf<Question> {
  // With the key as its form, a question is grouped with its equals wherever they stand in the queue.
  return { ...lane, groupSize: 1, formOf: lane.keyOf };
}
