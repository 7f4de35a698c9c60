/**
 * The types of the store's questions and answers for a lifecycle. For `AnyLifecycle`, whose events the compiler does
 * not know, an event is any string.
 */
import type {
  AnyLifecycle,
  DataOf,
  EventIn,
  IdempotencyKeyReused,
  MachinePhase,
  NotFound,
  OutcomeOf,
  PhaseIn,
  Refusal,
  TransitionEventIn,
} from '../machine';

/** The events that move a machine. */
export type AskedEvent<L extends AnyLifecycle> =
  string extends EventIn<L> ? string : TransitionEventIn<L>;

/** The data of event E. */
export type Said<L extends AnyLifecycle, E> =
  string extends EventIn<L> ? object : E extends EventIn<L> ? DataOf<L, E> : never;

/** The data of the event that begins a machine. */
export type InitialSaid<L extends AnyLifecycle> = Parameters<L['begin']>[1];

/** The first phase of a machine. */
export type InitialPhase<L extends AnyLifecycle> = ReturnType<L['begin']>;

/** The store's answer to a transition by event E. */
export type Answer<L extends AnyLifecycle, E> =
  | NotFound
  | IdempotencyKeyReused
  | (string extends EventIn<L>
      ? MachinePhase | Refusal
      : E extends EventIn<L>
        ? OutcomeOf<L, E>
        : never);

/** The data of any event of a lifecycle, as a transition shows them; null for an event that carries nothing. */
export type SaidIn<L extends AnyLifecycle> =
  string extends EventIn<L>
    ? Readonly<Record<string, unknown>> | null
    : { [E in EventIn<L>]: string extends keyof DataOf<L, E> ? null : DataOf<L, E> }[EventIn<L>];

/** @returns the lifecycle's `phaseOf`, with the types of its own phases */
export function phasesOf<L extends AnyLifecycle>(
  lifecycle: L,
): (record: Parameters<L['phaseOf']>[0]) => PhaseIn<L> {
  // `phaseOf` makes objects of the classes of L, which AnyLifecycle does not know.
  return (record) => lifecycle.phaseOf(record) as PhaseIn<L>;
}
