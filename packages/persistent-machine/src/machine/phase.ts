/**
 * The base of the classes of phases: what every phase offers, and `become`, the one way from a phase to the next.
 * Which ways there are is the declaration's; which one a phase takes is decided by the class that extends this.
 */
import type { Outline } from './declaration';
import { type Moment, occurrence } from './guard';
import type { StatePlan } from './plan';
import type {
  AcceptedIn,
  Between,
  ColumnOf,
  Has,
  May,
  RecordIn,
  Said,
  Sets,
  StateOf,
  Target,
} from './reading';
import type { MachineRecord } from './record';
import { OccurredAtOutOfRange } from './refusals';

/** What must be given where E leads to T: the columns that E sets and T has, and what the caller said for those it may have. */
type Required<D extends Outline, T, E> = (Sets<D, E> & Has<D, T>) | (Said<D, E> & May<D, T>);

/** The columns that must and may be given where E leads to T; for all others, why they must not. */
export type Changes<D extends Outline, T, E> = {
  readonly [K in Required<D, T, E>]: RecordIn<D, T>[K & keyof RecordIn<D, T>];
} & { readonly [K in Sets<D, E>]?: RecordIn<D, T>[K & keyof RecordIn<D, T>] } & {
  readonly [K in Exclude<ColumnOf<D>, Sets<D, E>>]?: `${E & string} does not set ${K}`;
};

/** The event, if it leads from S to T; else the events that S accepts, or where this one leads. */
type EventTo<D extends Outline, S, T, E> =
  E extends AcceptedIn<D, S>
    ? T extends Target<D, S, E>
      ? E
      : `${E} leads from ${S & string} to ${Target<D, S, E>}`
    : AcceptedIn<D, S>;

/** The moment of E; where several events lead from S to T, one that is known to be of E. */
type MomentOf<D extends Outline, S, T, E extends string> = [Between<D, S, T>] extends [E]
  ? Moment
  : Moment<E>;

/**
 * The base of the class of state S. Each state has one of its own, not a class between this and a common one: so the
 * constructors of phases take half the time.
 */
// A class inside a function has no type that could be written before it.
// eslint-disable-next-line @typescript-eslint/explicit-module-boundary-types
export function baseOf<D extends Outline, S extends StateOf<D>>(plan: StatePlan) {
  class Phase {
    // These are the state's, not the object's: they lie on the prototype.
    declare readonly state: RecordIn<D, S>;
    declare readonly stateType: S;
    declare readonly nextEvents: readonly AcceptedIn<D, S>[];

    /** @param state the record, which the phase keeps as it is */
    constructor(state: RecordIn<D, S>) {
      this.state = state;
    }

    /** When the last transition occurred: the latest of the moments that the record has. */
    get occurredAt(): Date {
      const record = this.state as Columnwise;
      let latest = this.state.createdAt;
      for (const column of plan.moments) {
        // Of kind moment, which `machine` has checked.
        const moment = record[column] as Date | null;
        if (moment !== null && moment.getTime() > latest.getTime()) latest = moment;
      }
      return latest;
    }

    /**
     * Makes the next phase. What the declaration does not lead to does not compile.
     *
     * @param next the class of the new state
     * @param event by which it is entered
     * @param at when that is asked for
     * @param changes the columns that the event sets
     * @returns the phase, one version on; or the guard's refusal of the moment
     */
    protected become<
      T extends StateOf<D>,
      P extends { readonly state: RecordIn<D, T> },
      const E extends string,
    >(
      next: new (state: RecordIn<D, T>) => P,
      event: EventTo<D, S, T, E>,
      // A moment says which event it is of only where that matters: it must not say which one `event` is.
      at: MomentOf<D, S, T, NoInfer<E>>,
      ...changes: object extends Changes<D, T, E>
        ? [changes?: Changes<D, T, E>]
        : [changes: Changes<D, T, E>]
    ): P | OccurredAtOutOfRange;

    // The names that the signature above has checked are only names here.
    protected become(
      next: new (state: never) => object,
      event: string,
      at: Moment,
      changes?: Columnwise,
    ): object {
      const occurredAt = occurrence(at, this.occurredAt);
      if (occurredAt instanceof OccurredAtOutOfRange) return occurredAt;
      const { stateType } = next.prototype as { readonly stateType: string };
      const way = plan.ways.get(event)?.get(stateType);
      if (way === undefined) {
        throw new TypeError(`${event} does not lead from ${this.stateType} to ${stateType}.`);
      }
      const record: MachineRecord & Record<string, unknown> = {
        ...this.state,
        version: this.state.version + 1,
        stateType,
        updatedAt: at.now,
      };
      for (const column of way.clears) record[column] = null;
      if (changes !== undefined) {
        for (const column of way.sets) {
          const value = changes[column];
          if (value !== undefined) record[column] = value;
        }
      }
      record[way.moment] = occurredAt;
      // The record is of the state that `next` is the class of.
      return new next(record as never);
    }
  }
  Object.defineProperties(Phase.prototype, {
    stateType: { value: plan.state },
    nextEvents: { value: plan.nextEvents },
  });
  return Phase;
}

export type Phase<D extends Outline, S extends StateOf<D>> = InstanceType<
  ReturnType<typeof baseOf<D, S>>
>;

type Columnwise = Readonly<Record<string, unknown>>;
