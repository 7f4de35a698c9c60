/** Makes typed transitions, with their phases, from rows of the history. */
import type { AnyLifecycle, EventIn, MachineRecord, PhaseIn, StateIn } from '../machine';
import { DataCodec } from '../operations/data';
import { type Page, mapPage } from '../operations/page';
import type { MarkIn, Place } from '../operations/place';
import type { TransitionRow } from '../operations/transition';
import { type SaidIn, phasesOf } from './asked';

/** One recorded change. */
export interface Transition<L extends AnyLifecycle> extends MarkIn {
  /** The place in the feed right after it; undefined if it was read elsewhere, and there are several partitions. */
  readonly place: Place | undefined;
  readonly event: EventIn<L>;
  /** The state before; null for the beginning. */
  readonly from: StateIn<L> | null;
  /** The phase right after the transition. */
  readonly phase: PhaseIn<L>;
  /** The event's data; null if it carries nothing. */
  readonly data: SaidIn<L>;
  readonly occurredAt: Date;
  readonly recordedAt: Date;
  readonly actor: string | null;
}

/**
 * Rebuilds the phases of pages of transitions. Callers that got the same page share the same transition objects, and so
 * GraphQL executes a result once for all subscribers that get one transition.
 */
export class Rebuilder<L extends AnyLifecycle> {
  readonly #phaseOf: (record: MachineRecord) => PhaseIn<L>;
  readonly #codec: DataCodec;
  readonly #rebuilt = new WeakMap<Page<TransitionRow>, Page<Transition<L>>>();

  constructor(lifecycle: L) {
    this.#phaseOf = phasesOf(lifecycle);
    this.#codec = new DataCodec(lifecycle.machine);
  }

  /** @throws CorruptRecord */
  pageOf(page: Page<TransitionRow>): Page<Transition<L>> {
    const known = this.#rebuilt.get(page);
    if (known !== undefined) return known;
    const rebuilt = mapPage(page, (row) => this.#transitionOf(row));
    this.#rebuilt.set(page, rebuilt);
    return rebuilt;
  }

  #transitionOf(row: TransitionRow): Transition<L> {
    const { partition, position, fingerprint, place, occurredAt, recordedAt, actor } = row;
    return {
      partition,
      position,
      fingerprint,
      place,
      // The CHECKs let in only events and states of the declaration; data are as they were encoded.
      event: row.event as EventIn<L>,
      from: row.from as StateIn<L> | null,
      phase: this.#phaseOf(row.record),
      data: this.#codec.decode(row.event, row.data) as SaidIn<L>,
      occurredAt,
      recordedAt,
      actor,
    };
  }
}
