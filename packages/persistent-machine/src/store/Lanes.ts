/**
 * The lanes of one kind of machine: each is opened once, under a name of its own, and what is asked of all of them is
 * asked here. Does not know what any lane carries.
 */
import type { Reader } from '../database/Database';
import type { Group, Operation } from '../operations/Operation';
import { Lane } from './Lane';
import type { GroupTracer, LaneSettings } from './LaneSettings';

export interface LanesSettings {
  /** The most entries that wait in one lane; more are refused at once. */
  readonly queueSize: number;
  /** Told of each statement: its lane, how many entries it has, and how long the first had waited, in milliseconds. */
  readonly onGroup?: (lane: string, size: number, waited: number) => void;
  readonly tracer?: GroupTracer | undefined;
}

/** What the lane of an operation does beside sending it. */
export interface Particulars<Question, Answer> extends Partial<
  Pick<LaneSettings<Question, Answer>, 'execute' | 'follow' | 'settle' | 'isHeldUp'>
> {
  /** Left out: the operation's own. Where one operation has several lanes each has its name. */
  readonly name?: string;
}

interface Opened {
  readonly lane: Pick<Lane<never, never>, 'isFull' | 'length'>;
  readonly isAside: boolean;
}

export class Lanes {
  readonly #settings: LanesSettings;
  readonly #lanes = new Map<string, Opened>();

  constructor(settings: LanesSettings) {
    this.#settings = settings;
  }

  /**
   * @param reader where the operation runs
   * @throws Error where there is a lane of this name
   */
  open<Question, Answer, Row extends object>(
    operation: Operation<Question, Answer, Row>,
    reader: Reader,
    { name = operation.lane.name, ...particulars }: Particulars<Question, Answer> = {},
  ): Lane<Question, Answer> {
    if (this.#lanes.has(name)) throw new Error(`There is a lane named ${name}.`);
    const { groupSize, inFlight, keyOf, formOf, isAside = false } = operation.lane;
    const { queueSize, onGroup, tracer } = this.#settings;
    const lane = new Lane<Question, Answer>({
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
    });
    this.#lanes.set(name, { lane, isAside });
    return lane;
  }

  /** Whether so many wait for one kind of statement that a request may be refused at once. */
  get isFull(): boolean {
    for (const { lane, isAside } of this.#lanes.values()) if (lane.isFull && !isAside) return true;
    return false;
  }

  /** How many wait, by the names of the lanes. */
  get lengths(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#lanes].map(([name, { lane }]) => [name, lane.length]));
  }
}

/** @returns what the operation answers one question that waits in no lane */
export async function ask<Question, Answer, Row extends object>(
  operation: Operation<Question, Answer, Row>,
  reader: Reader,
  question: Question,
): Promise<Answer> {
  const [answer] = await run(operation, reader, [question]);
  // It answers each question of a group.
  return answer as Answer;
}

/** @returns what the operation answers a group, which has at least one question */
export async function run<Question, Answer, Row extends object>(
  operation: Operation<Question, Answer, Row>,
  reader: Reader,
  questions: readonly Question[],
): Promise<readonly Answer[]> {
  // A lane sends no empty group.
  const group = questions as Group<Question>;
  const { statement, values } = operation.query(group);
  return operation.answers(await reader.run<Row>(statement, values), group);
}
