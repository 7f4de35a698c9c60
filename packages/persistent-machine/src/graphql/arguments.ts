/**
 * The arguments of fields, with the rules that GraphQL types cannot express. Some classes are shared by all machines,
 * the others are made for one machine. Knows an event only by its data.
 */
import {
  ArrayMaxSize,
  IsOptional,
  Matches,
  Max,
  Min,
  type ValidationError,
  validateSync,
} from 'class-validator';
import { type ClassType, ID, Int } from 'type-graphql';
import type { Columns } from '../machine';
import type { Order } from '../operations/machinesPage';
import type { Past } from '../store/MachineReader';
import { LARGEST_PAGE, type PageRequest } from '../operations/page';
import { argumentsOf } from './columns';
import type { CursorCodec } from './cursors';
import type { Enums } from './enums';
import { BadUserInput, type FieldProblem } from './errors';
import { DateTime } from './DateTime';
import type { Names } from './names';
import { type ArgumentOf, argumentsType } from './types';
import { UUID, isUuid } from './uuid';

const NOT_A_UUID = { message: 'must be a UUID, like 01890a5d-ac96-774b-bcce-b302099a8057.' };

const PAGE_SIZE = 20;

export interface AskedId {
  readonly id: string;
}

/** @returns the id in lower case, as PostgreSQL writes a UUID */
export function idOf({ id }: AskedId): string {
  return id.toLowerCase();
}

export interface AskedIds {
  readonly ids: readonly string[];
}

export interface AskedPage {
  readonly first?: number | null;
  readonly after?: string | null;
  readonly last?: number | null;
  readonly before?: string | null;
}

export interface AskedList extends AskedPage {
  readonly phase?: string[] | null;
  readonly order?: Order | null;
}

export interface AskedFeed extends AskedPage {
  readonly events?: string[] | null;
}

export interface AskedPast {
  readonly version?: number | null;
  readonly asOf?: Date | null;
}

/** What every beginning takes beside the data of its event. */
export interface AskedBeginning {
  readonly id?: string | null;
}

/** What every transition takes beside the data of its event. */
export interface AskedTransition extends AskedId {
  readonly occurredAt?: Date | null;
  readonly idempotencyKey?: string | null;
}

const PAGE: Readonly<Record<keyof AskedPage, ArgumentOf>> = {
  first: {
    type: () => Int,
    nullable: true,
    says: `How many to return from the start at most, 0 to ${LARGEST_PAGE}. The default is ${PAGE_SIZE}.`,
    rules: sizeRules(),
  },
  after: { type: () => String, nullable: true, says: 'Only what comes after this cursor.' },
  last: {
    type: () => Int,
    nullable: true,
    says: `How many to return from the end at most, 0 to ${LARGEST_PAGE}.`,
    rules: sizeRules(),
  },
  before: { type: () => String, nullable: true, says: 'Only what comes before this cursor.' },
};

function sizeRules(): PropertyDecorator[] {
  return [
    IsOptional(),
    Min(0, { message: 'must be 0 or more.' }),
    Max(LARGEST_PAGE, { message: `must be ${LARGEST_PAGE} or less.` }),
  ];
}

/** The arguments of a Relay connection. */
export const PageArguments = argumentsType('PageArguments', PAGE);

export const SnapshotArguments = argumentsType('SnapshotArguments', {
  version: { type: () => Int, nullable: true, says: 'A version, from 1 on.' },
  asOf: {
    type: () => DateTime,
    nullable: true,
    says: 'A time. The snapshot is of the last version that had occurred by then.',
  },
});

export const NodeArguments = idArguments('NodeArguments', 'The id of a node.');

export const NodesArguments = argumentsType('NodesArguments', {
  ids: {
    type: () => [ID],
    says: `Up to ${LARGEST_PAGE} ids.`,
    rules: [ArrayMaxSize(LARGEST_PAGE, { message: `must be ${LARGEST_PAGE} ids at most.` })],
  },
});

/** The argument that names one machine. */
export function idArguments(name: string, says: string): ClassType {
  return argumentsType(name, { id: { type: () => ID, says, rules: [Matches(UUID, NOT_A_UUID)] } });
}

/** The arguments of the list of a machine. */
export function listArguments({ own, nouns }: Names, enums: Enums): ClassType {
  return argumentsType(own('ListArguments'), {
    ...PAGE,
    phase: {
      type: () => [enums.phase],
      nullable: true,
      says: `Only ${nouns} in one of these phases.`,
    },
    order: { type: () => enums.order, nullable: true, says: 'The default is the oldest first.' },
  });
}

function events(enums: Enums): ArgumentOf {
  return {
    type: () => [enums.event],
    nullable: true,
    says: 'Only transitions with one of these events.',
  };
}

/** The arguments of a page of a machine's feed. */
export function feedArguments({ own }: Names, enums: Enums): ClassType {
  return argumentsType(own('FeedArguments'), { ...PAGE, events: events(enums) });
}

/** The arguments of the subscription to a machine's feed. */
export function followArguments({ own }: Names, enums: Enums): ClassType {
  return argumentsType(own('FollowArguments'), {
    after: {
      type: () => String,
      nullable: true,
      says: 'The cursor to continue after. Without it, the feed begins now.',
    },
    events: events(enums),
  });
}

/** @param data of the event */
export function beginningArguments(name: string, { noun }: Names, data: Columns): ClassType {
  return argumentsType(name, {
    id: {
      type: () => ID,
      nullable: true,
      says: `A UUID of your choice. A retry with the same id is safe: it answers the same ${noun}.`,
      rules: [IsOptional(), Matches(UUID, NOT_A_UUID)],
    },
    ...argumentsOf(data),
  });
}

/** @param data of the event */
export function transitionArguments(name: string, { noun }: Names, data: Columns): ClassType {
  return argumentsType(name, {
    id: { type: () => ID, says: `The ${noun}'s id.`, rules: [Matches(UUID, NOT_A_UUID)] },
    ...argumentsOf(data),
    occurredAt: {
      type: () => DateTime,
      nullable: true,
      says: `When it happened. The default is now. It must not be before the ${noun}’s last transition, nor in the future.`,
    },
    idempotencyKey: {
      type: () => String,
      nullable: true,
      says: `A key of your choice, 1 to 255 printable characters, unique within the ${noun}. A retry with the same key answers the original outcome, even if the ${noun} has changed since.`,
      rules: [
        IsOptional(),
        Matches(/^\P{C}{1,255}$/u, { message: 'must be 1 to 255 printable characters.' }),
      ],
    },
  });
}

/**
 * Checks the ids here, because a rule of class-validator for a list cannot name the wrong item.
 *
 * @returns the ids in lower case
 * @throws BadUserInput naming each one that is not a UUID
 */
export function idsOf({ ids }: AskedIds): string[] {
  const problems = ids.flatMap((id, index) =>
    isUuid(id) ? [] : [{ path: `ids.${index}`, message: NOT_A_UUID.message }],
  );
  if (problems.length > 0) throw new BadUserInput(problems);
  return ids.map((id) => id.toLowerCase());
}

/**
 * @returns the version or the time that a snapshot's arguments name; null for the present
 * @throws BadUserInput if they name both
 */
export function pastOf({ version, asOf }: AskedPast): Past | null {
  if (isGiven(version) && isGiven(asOf)) {
    throw new BadUserInput([{ path: 'asOf', message: 'must not be given together with version.' }]);
  }
  if (isGiven(version)) return { version };
  return isGiven(asOf) ? { asOf } : null;
}

/**
 * @returns the page that a connection's arguments ask for
 * @throws BadUserInput for `first` with `last`, or a malformed cursor
 */
export function pageRequest<At>(
  { first, after, last, before }: AskedPage,
  cursor: Pick<CursorCodec<never, At>, 'parse'>,
): PageRequest<At> {
  if (isGiven(first) && isGiven(last)) {
    throw new BadUserInput([{ path: 'last', message: 'must not be given together with first.' }]);
  }
  const fromEnd = isGiven(last) || (isGiven(before) && !isGiven(after) && !isGiven(first));
  return {
    from: fromEnd ? 'end' : 'start',
    size: first ?? last ?? PAGE_SIZE,
    after: isGiven(after) ? cursor.parse(after, 'after') : undefined,
    before: isGiven(before) ? cursor.parse(before, 'before') : undefined,
  };
}

export function isGiven<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}

/**
 * Checks arguments by the rules of their class. type-graphql calls this for every argument.
 *
 * @throws BadUserInput naming each field, and the rule that it breaks
 */
export function validateArguments(value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const errors = validateSync(value, {
    // A class need not have a rule.
    forbidUnknownValues: false,
    validationError: { target: false, value: false },
  });
  if (errors.length > 0) throw new BadUserInput(errors.flatMap(problemsOf));
}

function problemsOf({ property, constraints }: ValidationError): FieldProblem[] {
  return Object.values(constraints ?? {}).map((message) => ({ path: property, message }));
}
