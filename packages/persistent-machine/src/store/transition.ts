/** Transitions with the phases that they led to. */
import type { MachinePhase, MachineRecord } from '../machine';
import { type Page, mapPage } from '../operations/page';
import type { Place } from '../operations/place';
import type { TransitionRow } from '../operations/transition';

/** Rebuilds the phase that a record is in; throws where the record is one that cannot be. */
export type PhaseOf<R extends MachineRecord, P extends MachinePhase<R>> = (record: R) => P;

/** One recorded change; its place in the feed of all transitions is its own. */
export interface Transition<P extends MachinePhase<MachineRecord>> extends Place {
  readonly fingerprint: string;
  readonly event: P['nextEvents'][number];
  /** The state before; null for the beginning. */
  readonly from: P['stateType'] | null;
  /** The machine as it was right after. */
  readonly phase: P;
  readonly occurredAt: Date;
  readonly recordedAt: Date;
  readonly actor: string | null;
}

/**
 * Rebuilds the phases of pages of transitions. Callers who were answered one page share what is made of it: GraphQL
 * executes a result once for all subscribers who are given one transition.
 */
export class Rebuilder<R extends MachineRecord, P extends MachinePhase<R>> {
  readonly #phaseOf: PhaseOf<R, P>;
  readonly #rebuilt = new WeakMap<Page<TransitionRow<R>>, Page<Transition<P>>>();

  constructor(phaseOf: PhaseOf<R, P>) {
    this.#phaseOf = phaseOf;
  }

  /** @throws what `phaseOf` does, for a record that cannot be */
  pageOf(page: Page<TransitionRow<R>>): Page<Transition<P>> {
    const known = this.#rebuilt.get(page);
    if (known !== undefined) return known;
    const rebuilt = mapPage(page, (row) => this.#transitionOf(row));
    this.#rebuilt.set(page, rebuilt);
    return rebuilt;
  }

  #transitionOf(row: TransitionRow<R>): Transition<P> {
    const { position, fingerprint, event, from, record, occurredAt, recordedAt, actor } = row;
    const phase = this.#phaseOf(record);
    return { position, fingerprint, event, from, phase, occurredAt, recordedAt, actor };
  }
}
