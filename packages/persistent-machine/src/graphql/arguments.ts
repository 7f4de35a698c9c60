/** The arguments that fields share, with the rules of the contract that their types cannot say. */
import {
  ArrayMaxSize,
  IsOptional,
  Matches,
  Max,
  Min,
  type ValidationError,
  validateSync,
} from 'class-validator';
import { ArgsType, Field, ID, Int } from 'type-graphql';
import type { Past } from '../store/MachineReader';
import { LARGEST_PAGE, type PageRequest } from '../operations/page';
import type { CursorCodec } from './cursors';
import { BadUserInput, type FieldProblem } from './errors';
import { DateTime } from './DateTime';
import { UUID, isUuid } from './uuid';

const NOT_A_UUID = { message: 'must be a UUID, like 01890a5d-ac96-774b-bcce-b302099a8057.' };

const PAGE_SIZE = 20;

// `!` on the fields: type-graphql fills them, no constructor does.
@ArgsType()
export class LifeArguments {
  @Field(() => ID, { description: "The life's id." })
  @Matches(UUID, NOT_A_UUID)
  id!: string;

  /** The id as the store knows it. */
  get lifeId(): string {
    return this.id.toLowerCase();
  }
}

@ArgsType()
export class LivesByIdArguments {
  @Field(() => [ID], { description: 'Up to 100 ids.' })
  @ArrayMaxSize(LARGEST_PAGE, { message: `must be ${LARGEST_PAGE} ids at most.` })
  ids!: string[];

  /**
   * The ids as the store knows them. Checked here, since a decorator could not say which one is wrong.
   *
   * @throws BadUserInput naming each that is no UUID
   */
  get lifeIds(): string[] {
    const problems = this.ids.flatMap((id, index) =>
      isUuid(id) ? [] : [{ path: `ids.${index}`, message: NOT_A_UUID.message }],
    );
    if (problems.length > 0) throw new BadUserInput(problems);
    return this.ids.map((id) => id.toLowerCase());
  }
}

@ArgsType()
export class ConceptionArguments {
  @Field(() => ID, {
    nullable: true,
    description:
      'A UUID of your choice, so that you can retry safely: the same id answers the same life.',
  })
  @IsOptional()
  @Matches(UUID, NOT_A_UUID)
  id?: string | null;

  /** The id as the store knows it. */
  get lifeId(): string | undefined {
    return this.id?.toLowerCase();
  }
}

@ArgsType()
export class TransitionArguments extends LifeArguments {
  @Field(() => DateTime, {
    nullable: true,
    description:
      'When it happened; left out: now. Not before the life’s last transition, nor in the future.',
  })
  occurredAt?: Date | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Of your choice, 1 to 255 printable characters, its scope being the life: the same key again answers the original outcome, whatever happened since.',
  })
  @IsOptional()
  @Matches(/^\P{C}{1,255}$/u, { message: 'must be 1 to 255 printable characters.' })
  idempotencyKey?: string | null;
}

@ArgsType()
export class SnapshotArguments {
  @Field(() => Int, { nullable: true, description: 'A version, from 1 on.' })
  version?: number | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'A time; the last version counts that had occurred by then.',
  })
  asOf?: Date | null;
}

/**
 * The moment of its past that a snapshot's arguments ask for; null: the present.
 *
 * @throws BadUserInput for both at once
 */
export function pastOf({ version, asOf }: SnapshotArguments): Past | null {
  if (isGiven(version) && isGiven(asOf)) {
    throw new BadUserInput([{ path: 'asOf', message: 'must not be given together with version.' }]);
  }
  if (isGiven(version)) return { version };
  return isGiven(asOf) ? { asOf } : null;
}

/** The arguments of a Relay connection. */
@ArgsType()
export class PageArguments {
  @Field(() => Int, {
    nullable: true,
    description: 'At most so many from the start, 0 to 100; 20 unless something else is asked for.',
  })
  @IsOptional()
  @Min(0, { message: 'must be 0 or more.' })
  @Max(LARGEST_PAGE, { message: `must be ${LARGEST_PAGE} or less.` })
  first?: number | null;

  @Field(() => String, { nullable: true, description: 'Only what comes after this cursor.' })
  after?: string | null;

  @Field(() => Int, { nullable: true, description: 'At most so many from the end, 0 to 100.' })
  @IsOptional()
  @Min(0, { message: 'must be 0 or more.' })
  @Max(LARGEST_PAGE, { message: `must be ${LARGEST_PAGE} or less.` })
  last?: number | null;

  @Field(() => String, { nullable: true, description: 'Only what comes before this cursor.' })
  before?: string | null;
}

/**
 * The page that a connection's arguments ask for, among others that the field may have.
 *
 * @throws BadUserInput for `first` with `last`, or a malformed cursor
 */
export function pageRequest<At>(
  { first, after, last, before }: Pick<PageArguments, 'first' | 'after' | 'last' | 'before'>,
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

function isGiven<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}

/**
 * Checks a class of arguments by its decorators; type-graphql calls it for every argument there is.
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
