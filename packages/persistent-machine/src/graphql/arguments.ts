/**
 * The arguments of fields, with the rules of the contract that their types cannot say: those that all machines share, and
 * those that are made for one. Knows no machine's events but by what they carry.
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

/** Which machine is meant. */
export interface AskedId {
  readonly id: string;
}

/** The id as the store knows it. */
export function idOf({ id }: AskedId): string {
  return id.toLowerCase();
}

/** Which nodes are meant. */
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

/** What every beginning is asked with, beside what its event carries. */
export interface AskedBeginning {
  readonly id?: string | null;
}

/** What every transition is asked with, beside what its event carries. */
export interface AskedTransition extends AskedId {
  readonly occurredAt?: Date | null;
  readonly idempotencyKey?: string | null;
}

const PAGE: Readonly<Record<keyof AskedPage, ArgumentOf>> = {
  first: {
    type: () => Int,
    nullable: true,
    says: `At most so many from the start, 0 to ${LARGEST_PAGE}; ${PAGE_SIZE} unless something else is asked for.`,
    rules: sizeRules(),
  },
  after: { type: () => String, nullable: true, says: 'Only what comes after this cursor.' },
  last: {
    type: () => Int,
    nullable: true,
    says: `At most so many from the end, 0 to ${LARGEST_PAGE}.`,
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
    says: 'A time; the last version counts that had occurred by then.',
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

/** The arguments that name one machine. */
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
    order: { type: () => enums.order, nullable: true, says: 'Left out: the oldest first.' },
  });
}

function events(enums: Enums): ArgumentOf {
  return {
    type: () => [enums.event],
    nullable: true,
    says: 'Only transitions by one of these events.',
  };
}

/** The arguments of a page of a machine's feed. */
export function feedArguments({ own }: Names, enums: Enums): ClassType {
  return argumentsType(own('FeedArguments'), { ...PAGE, events: events(enums) });
}

/** The arguments of a machine's feed as it is followed. */
export function followArguments({ own }: Names, enums: Enums): ClassType {
  return argumentsType(own('FollowArguments'), {
    after: {
      type: () => String,
      nullable: true,
      says: 'The cursor after which to begin; left out: only what happens from now on.',
    },
    events: events(enums),
  });
}

/** @param data what the event carries */
export function beginningArguments(name: string, { noun }: Names, data: Columns): ClassType {
  return argumentsType(name, {
    id: {
      type: () => ID,
      nullable: true,
      says: `A UUID of your choice, so that you can retry safely: the same id answers the same ${noun}.`,
      rules: [IsOptional(), Matches(UUID, NOT_A_UUID)],
    },
    ...argumentsOf(data),
  });
}

/** @param data what the event carries */
export function transitionArguments(name: string, { noun }: Names, data: Columns): ClassType {
  return argumentsType(name, {
    id: { type: () => ID, says: `The ${noun}'s id.`, rules: [Matches(UUID, NOT_A_UUID)] },
    ...argumentsOf(data),
    occurredAt: {
      type: () => DateTime,
      nullable: true,
      says: `When it happened; left out: now. Not before the ${noun}’s last transition, nor in the future.`,
    },
    idempotencyKey: {
      type: () => String,
      nullable: true,
      says: `Of your choice, 1 to 255 printable characters, its scope being the ${noun}: the same key again answers the original outcome, whatever happened since.`,
      rules: [
        IsOptional(),
        Matches(/^\P{C}{1,255}$/u, { message: 'must be 1 to 255 printable characters.' }),
      ],
    },
  });
}

/**
 * The ids as the store knows them. Checked here, since a rule of a list could not say which item is wrong.
 *
 * @throws BadUserInput naming each that is no UUID
 */
export function idsOf({ ids }: AskedIds): string[] {
  const problems = ids.flatMap((id, index) =>
    isUuid(id) ? [] : [{ path: `ids.${index}`, message: NOT_A_UUID.message }],
  );
  if (problems.length > 0) throw new BadUserInput(problems);
  return ids.map((id) => id.toLowerCase());
}

/**
 * The moment of its past that a snapshot's arguments ask for; null: the present.
 *
 * @throws BadUserInput for both at once
 */
export function pastOf({ version, asOf }: AskedPast): Past | null {
  if (isGiven(version) && isGiven(asOf)) {
    throw new BadUserInput([{ path: 'asOf', message: 'must not be given together with version.' }]);
  }
  if (isGiven(version)) return { version };
  return isGiven(asOf) ? { asOf } : null;
}

/**
 * The page that a connection's arguments ask for, among others that the field may have.
 *
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
 * Checks a class of arguments by its rules; type-graphql calls it for every argument there is.
 *
 * @throws BadUserInput naming each field, and the rule that it breaks
 */
export function validateArguments(value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const errors = validateSync(value, {
    // A class without any rule is fine.
    forbidUnknownValues: false,
    validationError: { target: false, value: false },
  });
  if (errors.length > 0) throw new BadUserInput(errors.flatMap(problemsOf));
}

function problemsOf({ property, constraints }: ValidationError): FieldProblem[] {
  return Object.values(constraints ?? {}).map((message) => ({ path: property, message }));
}
