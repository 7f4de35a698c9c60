/**
 * The base of the classes of phases: what every phase offers, and `become`, the one way from a phase to the next.
 * Which ways there are is the declaration's; which a phase takes is decided by the class that extends this.
 */
import type {
  AcceptedIn,
  At,
  ColumnOf,
  Declaration,
  Has,
  RecordIn,
  Sets,
  StateOf,
  Target,
} from './declaration';
import { type Moment, occurrence } from './guard';
import type { StatePlan } from './plan';
import type { MachineRecord } from './record';
import { OccurredAtOutOfRange } from './refusals';

/** Where the prototype of a state's base keeps what is looked up of its state. */
export const PLAN: unique symbol = Symbol('plan');

/** The columns that T has, S may lack, and E does not set by its moment: they must be given. */
type Missing<D extends Declaration, S, T, E> = Exclude<Has<D, T>, Has<D, S> | At<D, E>>;

type Keys<D extends Declaration, T> = keyof RecordIn<D, T>;

/** The columns that may be given where S becomes T by E, and those that must. */
export type Changes<D extends Declaration, S, T, E> = Readonly<
  Pick<RecordIn<D, T>, (Missing<D, S, T, E> | (Sets<D, E> & Has<D, T>)) & Keys<D, T>>
> &
  Readonly<Partial<Pick<RecordIn<D, T>, Sets<D, E> & Keys<D, T>>>> &
  Readonly<Partial<Record<Exclude<ColumnOf<D>, Missing<D, S, T, E> | Sets<D, E>>, never>>>;

/** The events by which S may become T. */
type Between<D extends Declaration, S, T> = {
  [E in AcceptedIn<D, S>]: T extends Target<D, S, E> ? E : never;
}[AcceptedIn<D, S>];

/** The moment of E; where several events lead from S to T, one that says that it is of E. */
type MomentOn<D extends Declaration, S, T, E extends string> = [Between<D, S, T>] extends [E]
  ? Moment
  : Moment<E>;

export abstract class Phase<D extends Declaration, S extends StateOf<D>> {
  // These are of the state, not of the object: they lie on the prototype of the state's base.
  declare readonly stateType: S;
  declare readonly nextEvents: readonly AcceptedIn<D, S>[];
  declare readonly [PLAN]: StatePlan;

  /** @param state the record, which the phase keeps as it is */
  constructor(readonly state: RecordIn<D, S>) {}

  /** When the last transition occurred: the latest of the moments that the record has. */
  get occurredAt(): Date {
    // The declaration has checked that these columns hold moments.
    const record: Readonly<Record<string, unknown>> = this.state;
    let latest = this.state.createdAt;
    for (const column of this[PLAN].moments) {
      const moment = record[column] as Date | null;
      if (moment !== null && moment > latest) latest = moment;
    }
    return latest;
  }

  /**
   * Makes the next phase. What the declaration does not lead to does not compile.
   *
   * @param next the class of the new state
   * @param event by which it is entered
   * @param at when that is asked for
   * @param changes the columns that the event sets, and that the new state has and this one lacks
   * @returns the phase, one version on; or the guard's refusal of the moment
   */
  protected become<
    const E extends AcceptedIn<D, S>,
    T extends Target<D, S, E>,
    P extends { readonly state: RecordIn<D, T> },
  >(
    next: new (state: RecordIn<D, T>) => P,
    event: E,
    at: MomentOn<D, S, T, E>,
    ...changes: object extends Changes<D, S, T, E>
      ? [changes?: Changes<D, S, T, E>]
      : [changes: Changes<D, S, T, E>]
  ): P | OccurredAtOutOfRange;

  // What the signature above has checked is only names and values here.
  protected become(
    next: new (state: never) => object,
    event: string,
    at: Moment,
    changes?: Readonly<Record<string, unknown>>,
  ): object {
    const occurredAt = occurrence(at, this.occurredAt);
    if (occurredAt instanceof OccurredAtOutOfRange) return occurredAt;
    const { stateType } = next.prototype as { readonly stateType: string };
    const way = this[PLAN].ways[event]?.[stateType];
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
