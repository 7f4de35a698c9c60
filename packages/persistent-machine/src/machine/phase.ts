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
import type { AnyRecord, MachineRecord } from './record';
import { OccurredAtOutOfRange } from './refusals';

/** The columns that must be given where E leads to T: those that T has, and of those that T may have what a caller says. */
type Required<D extends Outline, T, E> = (Sets<D, E> & Has<D, T>) | (Said<D, E> & May<D, T>);

/** What `become` takes where E leads to T: what must be given, what may be, and for all other columns why they may not. */
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

/** What every phase of state S is. The class of the state extends it; `baseOf` makes what it extends. */
declare class Phase<D extends Outline, S extends StateOf<D>> {
  /** The record, narrowed to the state. */
  readonly state: RecordIn<D, S>;
  readonly stateType: S;
  readonly nextEvents: readonly AcceptedIn<D, S>[];
  /** When the last transition occurred: the latest of the moments that the record has. */
  readonly occurredAt: Date;

  /** @param state the record, which the phase keeps as it is */
  constructor(state: RecordIn<D, S>);

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
    // The moment says which event it is of only where that matters: what E is, `event` says.
    at: MomentOf<D, S, T, NoInfer<E>>,
    ...changes: object extends Changes<D, T, E>
      ? [changes?: Changes<D, T, E>]
      : [changes: Changes<D, T, E>]
  ): P | OccurredAtOutOfRange;
}
export type { Phase };

/** What the class of state S extends. */
export type PhaseBase<D extends Outline, S extends StateOf<D>> = new (
  state: RecordIn<D, S>,
) => Phase<D, S>;

/**
 * The base of the class of the plan's state. Each state has a base of its own, with nothing above it: a constructor
 * that runs through one more takes twice the time.
 */
export function baseOf<D extends Outline, S extends StateOf<D>>(plan: StatePlan): PhaseBase<D, S> {
  class StatePhase {
    // Declared only: a field that is defined and then assigned takes a third longer.
    declare readonly state: AnyRecord;

    constructor(state: AnyRecord) {
      this.state = state;
    }

    get occurredAt(): Date {
      const { state } = this;
      let latest = state.createdAt;
      for (const column of plan.moments) {
        // Of kind moment, which has been checked.
        const moment = state[column] as Date | null;
        if (moment !== null && moment.getTime() > latest.getTime()) latest = moment;
      }
      return latest;
    }

    become(
      next: new (state: AnyRecord) => object,
      event: string,
      at: Moment,
      changes?: Readonly<Record<string, unknown>>,
    ): object {
      const occurredAt = occurrence(at, this.occurredAt);
      if (occurredAt instanceof OccurredAtOutOfRange) return occurredAt;
      const { stateType } = next.prototype as { readonly stateType: string };
      const way = plan.ways.get(event)?.get(stateType);
      if (way === undefined) {
        throw new TypeError(`${event} does not lead from ${plan.state} to ${stateType}.`);
      }
      const { state } = this;
      const record: MachineRecord & Record<string, unknown> = {
        ...state,
        version: state.version + 1,
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
      return new next(record);
    }
  }
  // These are the state's: on the object, they would be copied and compared with its record.
  Object.defineProperties(StatePhase.prototype, {
    stateType: { value: plan.state },
    nextEvents: { value: plan.nextEvents },
  });
  // Here names and values are only that; the compiler has checked at each call which go together.
  return StatePhase as unknown as PhaseBase<D, S>;
}
