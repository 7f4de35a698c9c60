/**
 * The lanes of one kind of machine. Each is opened once, under a name of its own. This file reports for all of them how
 * long they are and whether one is full, and does not know what they carry.
 */
import type { Reader } from '../database/Database';
import type { Group, Operation } from '../operations/Operation';
import { Lane, type LaneLike } from './Lane';
import type { GroupTracer, LaneSettings } from './LaneSettings';
import { PartitionedLane } from './PartitionedLane';
import type { Slots } from './Slots';

export interface LanesSettings {
  /** The most entries that wait in one lane. The lane refuses more at once. */
  readonly queueSize: number;
  /**
   * Bounds the statements of all partitions together, so that they never have all of the pool's connections, and
   * readings do not wait for them. With one partition there is one statement of a kind at a time anyway.
   */
  readonly slots?: Slots | undefined;
  /** Called for each statement: its lane, how many entries it has, and how long the first waited, in milliseconds. */
  readonly onGroup?: (lane: string, size: number, waited: number) => void;
  readonly tracer?: GroupTracer | undefined;
}

/** What an operation does not say about its lane. */
export interface Particulars<Question, Answer> extends Partial<
  Pick<LaneSettings<Question, Answer>, 'execute' | 'follow' | 'settle' | 'isHeldUp'>
> {
  /** Default: the operation's own name. Several lanes of one operation need different names. */
  readonly name?: string;
}

interface Opened {
  readonly lane: Pick<LaneLike<never, never>, 'isFull' | 'length'>;
  readonly isAside: boolean;
}

export class Lanes {
  readonly #settings: LanesSettings;
  readonly #lanes = new Map<string, Opened>();

  constructor(settings: LanesSettings) {
    this.#settings = settings;
  }

  /**
   * @param reader the database in which the operation runs
   * @throws Error if there is a lane of this name
   */
  open<Question, Answer, Row extends object>(
    operation: Operation<Question, Answer, Row>,
    reader: Reader,
    { name = operation.lane.name, ...particulars }: Particulars<Question, Answer> = {},
  ): LaneLike<Question, Answer> {
    if (this.#lanes.has(name)) throw new Error(`There is a lane named ${name}.`);
    const { groupSize, inFlight, keyOf, formOf, partitionOf, isAside = false } = operation.lane;
    const { queueSize, slots, onGroup, tracer } = this.#settings;
    const settings: LaneSettings<Question, Answer> = {
      execute: async (group) => run(operation, reader, group),
      follow: (answer) => answer,
      ...particulars,
      groupSize,
      inFlight,
      keyOf,
      formOf,
      queueSize,
      tracer,
      observe: (size, waited) => {
        onGroup?.(name, size, waited);
      },
    };
    const lane = partitionOf
      ? new PartitionedLane({ ...settings, slots }, partitionOf)
      : new Lane<Question, Answer>(settings);
    this.#lanes.set(name, { lane, isAside });
    return lane;
  }

  /** Whether a lane in which requests wait is full, so that admission may refuse a request. */
  get isFull(): boolean {
    for (const { lane, isAside } of this.#lanes.values()) if (lane.isFull && !isAside) return true;
    return false;
  }

  /** How many entries wait in each lane, by its name. */
  get lengths(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#lanes].map(([name, { lane }]) => [name, lane.length]));
  }
}

/** Runs the operation for one question, without a lane. */
export async function ask<Question, Answer, Row extends object>(
  operation: Operation<Question, Answer, Row>,
  reader: Reader,
  question: Question,
): Promise<Answer> {
  const [answer] = await run(operation, reader, [question]);
  // An operation answers each question of its group.
  return answer as Answer;
}

/** Runs the operation for a group, which must not be empty. */
export async function run<Question, Answer, Row extends object>(
  operation: Operation<Question, Answer, Row>,
  reader: Reader,
  questions: readonly Question[],
): Promise<readonly Answer[]> {
  // Neither `ask` nor a lane sends an empty group.
  const group = questions as Group<Question>;
  const { statement, values } = operation.query(group);
  return operation.answers(await reader.run<Row>(statement, values), group);
}
