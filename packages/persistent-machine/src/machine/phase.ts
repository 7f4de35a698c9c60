/**
 * The base class of phases: what every phase offers, and `become`, which makes the next phase. The declaration says
 * which transitions exist; the class that extends the base decides which one to make.
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

/** The columns that `become` requires where E leads to T: all that E sets and T has, and the data that T may have. */
type Required<D extends Outline, T, E> = (Sets<D, E> & Has<D, T>) | (Said<D, E> & May<D, T>);

/** What `become` takes where E leads to T: required columns, optional ones, and a sentence that refuses any other. */
export type Changes<D extends Outline, T, E> = {
  readonly [K in Required<D, T, E>]: RecordIn<D, T>[K & keyof RecordIn<D, T>];
} & { readonly [K in Sets<D, E>]?: RecordIn<D, T>[K & keyof RecordIn<D, T>] } & {
  readonly [K in Exclude<ColumnOf<D>, Sets<D, E>>]?: `${E & string} does not set ${K}`;
};

/** E, if it leads from S to T. Otherwise the error says which events S accepts, or where E leads. */
type EventTo<D extends Outline, S, T, E> =
  E extends AcceptedIn<D, S>
    ? T extends Target<D, S, E>
      ? E
      : `${E} leads from ${S & string} to ${Target<D, S, E>}`
    : AcceptedIn<D, S>;

/** A moment. If several events lead from S to T, it must be marked as one of E. */
type MomentOf<D extends Outline, S, T, E extends string> = [Between<D, S, T>] extends [E]
  ? Moment
  : Moment<E>;

/** The type of the base class of state S, which `baseOf` makes. */
declare class Phase<D extends Outline, S extends StateOf<D>> {
  /** The record, narrowed to this state. */
  readonly state: RecordIn<D, S>;
  readonly stateType: S;
  readonly nextEvents: readonly AcceptedIn<D, S>[];
  /** When the last transition occurred: the latest of the moments that the record has. */
  readonly occurredAt: Date;

  /** @param state the record, which the phase keeps as it is */
  constructor(state: RecordIn<D, S>);

  /**
   * Makes the next phase. A transition that the declaration lacks does not compile.
   *
   * @param next the class of the new state
   * @param event the event that leads to the new state
   * @param at the moment of the event
   * @param changes the columns that the event sets
   * @returns the phase of the next version, or the guard's refusal of the moment
   */
  protected become<
    T extends StateOf<D>,
    P extends { readonly state: RecordIn<D, T> },
    const E extends string,
  >(
    next: new (state: RecordIn<D, T>) => P,
    event: EventTo<D, S, T, E>,
    // E must be inferred from `event`: most moments do not say which event they belong to.
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
 * Makes the base class of one state. The states share no further base, because each `super` call on the way would
 * double the time that a constructor takes.
 */
export function baseOf<D extends Outline, S extends StateOf<D>>(plan: StatePlan): PhaseBase<D, S> {
  class StatePhase {
    // Without `declare`, the field would be defined first and then assigned, which takes a third longer.
    declare readonly state: AnyRecord;

    constructor(state: AnyRecord) {
      this.state = state;
    }

    get occurredAt(): Date {
      const { state } = this;
      let latest = state.createdAt;
      for (const column of plan.moments) {
        // The declaration's check has seen that this column is of kind moment.
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
  // On the prototype, since every phase of the state shares them.
  Object.defineProperties(StatePhase.prototype, {
    stateType: { value: plan.state },
    nextEvents: { value: plan.nextEvents },
  });
  // At run time names are plain strings. The types of `Phase` make the compiler check each call.
  return StatePhase as unknown as PhaseBase<D, S>;
}
