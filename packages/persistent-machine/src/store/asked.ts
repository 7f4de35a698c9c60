/**
 * What may be asked of the machines of a lifecycle, and what comes of it. Of a lifecycle of which nothing is known but
 * that it is one, any event may be asked for by its name.
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

/** The events by which a machine may be moved. */
export type AskedEvent<L extends AnyLifecycle> =
  string extends EventIn<L> ? string : TransitionEventIn<L>;

/** What is said with event E. */
export type Said<L extends AnyLifecycle, E> =
  string extends EventIn<L> ? object : E extends EventIn<L> ? DataOf<L, E> : never;

/** What is said with the event that begins a machine. */
export type InitialSaid<L extends AnyLifecycle> = Parameters<L['begin']>[1];

/** The phase that a machine begins in. */
export type InitialPhase<L extends AnyLifecycle> = ReturnType<L['begin']>;

/** What a transition by event E is answered. */
export type Answer<L extends AnyLifecycle, E> =
  | NotFound
  | IdempotencyKeyReused
  | (string extends EventIn<L>
      ? MachinePhase | Refusal
      : E extends EventIn<L>
        ? OutcomeOf<L, E>
        : never);

/** What the events of a lifecycle carry, as a transition shows it; null for an event that carries nothing. */
export type SaidIn<L extends AnyLifecycle> =
  string extends EventIn<L>
    ? Readonly<Record<string, unknown>> | null
    : { [E in EventIn<L>]: string extends keyof DataOf<L, E> ? null : DataOf<L, E> }[EventIn<L>];

/** Rebuilds phases: the one place where a lifecycle's phases have the types of its own. */
export function phasesOf<L extends AnyLifecycle>(
  lifecycle: L,
): (record: Parameters<L['phaseOf']>[0]) => PhaseIn<L> {
  // `phaseOf` makes objects of the classes of L, which AnyLifecycle does not know.
  return (record) => lifecycle.phaseOf(record) as PhaseIn<L>;
}
