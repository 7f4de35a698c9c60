/**
 * Begins machines, finds them, and moves them by compare-and-swap, each transition once. The lifecycle alone decides
 * what a machine allows, and `Commits` decides how a change is committed.
 */
import { randomUUID } from 'node:crypto';
import type { Database } from '../database/Database';
import {
  type AnyLifecycle,
  IdempotencyKeyReused,
  type MachineRecord,
  NotFound,
  type PhaseIn,
  Refusal,
} from '../machine';
import type { Change } from '../operations/change';
import { DataCodec } from '../operations/data';
import { find } from '../operations/find';
import { type FoundWithKey, type KeyedLookup, findWithKey } from '../operations/findWithKey';
import { partitionOf } from '../operations/partition';
import type { MachineTables } from '../operations/tables';
import {
  type Answer,
  type AskedEvent,
  type InitialPhase,
  type InitialSaid,
  type Said,
  phasesOf,
} from './asked';
import { BegunOtherwise } from './BegunOtherwise';
import { type CommitSettings, Commits, type TransitionOutcome } from './Commits';
import type { LaneLike } from './Lane';
import type { Lanes } from './Lanes';
import type { BeginRequest, TransitionRequest } from './requests';

export interface StoreSettings extends CommitSettings {
  /** The clock by which transitions are recorded. */
  readonly now: () => Date;
  /** How long a request without a deadline may take, in milliseconds. */
  readonly timeout: number;
}

export class MachineStore<L extends AnyLifecycle> {
  /** The lanes in which requests wait. */
  readonly lanes: Lanes;
  readonly #lifecycle: L;
  readonly #phaseOf: (record: MachineRecord) => PhaseIn<L>;
  readonly #codec: DataCodec;
  readonly #partitions: number;
  readonly #settings: StoreSettings;
  readonly #finds: LaneLike<string, MachineRecord | null>;
  readonly #keyedFinds: LaneLike<KeyedLookup, FoundWithKey>;
  readonly #commits: Commits;

  /** @throws Error if events carry data, and the history has no column for it */
  constructor(database: Database, tables: MachineTables, lifecycle: L, settings: StoreSettings) {
    this.#lifecycle = lifecycle;
    this.#phaseOf = phasesOf(lifecycle);
    this.#codec = new DataCodec(lifecycle.machine);
    if (this.#codec.isNeeded && !tables.hasData) {
      throw new Error(`${tables.names.history} has no column data, but events carry data.`);
    }
    this.#partitions = tables.partitions;
    this.#settings = settings;
    const { lanes } = settings;
    this.lanes = lanes;
    this.#finds = lanes.open(find(tables), database);
    this.#keyedFinds = lanes.open(findWithKey(tables), database);
    this.#commits = new Commits(database, tables, settings);
  }

  /**
   * Begins a machine by the lifecycle's initial event.
   *
   * @param id in lower case
   * @param data of the event; `{}` if it carries nothing
   * @returns the first phase, also if the machine began before with the same data: beginning is idempotent
   * @throws BegunOtherwise if it began with other data; Overloaded or DatabaseUnavailable if nothing was changed;
   *   OutcomeUnknown; TypeError if the data are not those of the event
   */
  async begin(
    id: string,
    data: InitialSaid<L>,
    { actor, deadline = this.#deadline() }: BeginRequest,
  ): Promise<InitialPhase<L>> {
    const { event } = this.#lifecycle.machine.declaration.initial;
    const said = this.#codec.encode(event, data);
    const phase = this.#lifecycle.begin(id, data, this.#settings.now());
    const { state: record, occurredAt } = phase;
    const by = { actor, idempotencyKey: null, token: null };
    const partition = partitionOf(id, this.#partitions);
    const change = { partition, record, event, from: null, data: said, occurredAt, ...by };
    const begun = await this.#commits.begin(change, deadline);
    // A state has one class, so this is the phase of the initial state.
    if (begun === null) return phase as InitialPhase<L>;
    if (!this.#codec.isSame(event, said, begun.data)) throw new BegunOtherwise(id);
    return this.#lifecycle.phaseOf(begun.record) as InitialPhase<L>;
  }

  /**
   * Finds a machine. Concurrent requests for the same machine share a reading, but a request never joins a statement
   * in flight, so that it sees all that was committed before it.
   *
   * @param id in lower case
   * @param deadline by `performance.now()`; default: `timeout` from now
   * @returns the present phase, or null if there is no machine with this id
   * @throws Overloaded, DatabaseUnavailable
   */
  async find(id: string, deadline = this.#deadline()): Promise<PhaseIn<L> | null> {
    const record = await this.#finds.submit(id, deadline);
    return record && this.#phaseOf(record);
  }

  /**
   * Moves a machine by one transition: asks its phase for the next one, and records that by compare-and-swap. A caller
   * that loses the swap loads the record again. So exactly one of many concurrent callers wins, and each loser gets an
   * answer that is true after the winner's transition.
   *
   * @param id in lower case
   * @param data of the event; `{}` if it carries nothing
   * @returns the new phase, once it is committed; for an idempotency key that was used before, the phase right after
   *   its transition. Or the first refusal that applies: NotFound; IdempotencyKeyReused, if the key was used with
   *   another event, `occurredAt` or data; IllegalTransition; a refusal of the machine's own; OccurredAtOutOfRange
   * @throws Overloaded or DatabaseUnavailable if nothing was changed; OutcomeUnknown; TypeError if no state accepts the
   *   event, the data are not those of the event, or its verb returns what cannot be recorded
   */
  async transition<const E extends AskedEvent<L>>(
    id: string,
    event: E,
    data: Said<L, E>,
    { occurredAt, idempotencyKey = null, actor, deadline = this.#deadline() }: TransitionRequest,
  ): Promise<Answer<L, E>> {
    const step = this.#lifecycle.step(event);
    const said = this.#codec.encode(event, data);
    for (;;) {
      const { record, recorded } = await this.#load(event, id, idempotencyKey, deadline);
      if (record === null) {
        this.#count(event, 'refused');
        return new NotFound(this.#lifecycle.machine.name, id);
      }
      if (recorded !== null) {
        const isReplay =
          recorded.event === event &&
          (occurredAt ?? recorded.occurredAt).getTime() === recorded.occurredAt.getTime() &&
          this.#codec.isSame(event, said, recorded.data);
        this.#count(event, isReplay ? 'replayed' : 'refused');
        return isReplay
          ? // The same event recorded this phase, so it is one of the event's outcomes.
            (this.#lifecycle.phaseOf(recorded.record) as Answer<L, E>)
          : new IdempotencyKeyReused(recorded.key);
      }

      const phase = this.#lifecycle.phaseOf(record);
      const outcome = step(phase, data, { occurredAt, now: this.#settings.now() });
      if (outcome instanceof Refusal) {
        this.#count(event, 'refused');
        // A step returns only refusals that its event lists.
        return outcome as Answer<L, E>;
      }
      const change: Change = {
        partition: partitionOf(id, this.#partitions),
        record: outcome.state,
        event,
        from: phase.stateType,
        data: said,
        occurredAt: outcome.occurredAt,
        actor,
        idempotencyKey,
        token: randomUUID(),
      };
      if (await this.#commits.swap(change, deadline)) return outcome as Answer<L, E>;
    }
  }

  #count(event: string, outcome: TransitionOutcome): void {
    this.#settings.onTransition?.(event, outcome);
  }

  #deadline(): number {
    return performance.now() + this.#settings.timeout;
  }

  /** @returns the present record, and the transition recorded under the key, if one is given */
  async #load(
    event: string,
    id: string,
    key: string | null,
    deadline: number,
  ): Promise<FoundWithKey> {
    try {
      return key === null
        ? { record: await this.#finds.submit(id, deadline), recorded: null }
        : await this.#keyedFinds.submit({ id, key }, deadline);
    } catch (error) {
      this.#count(event, 'failed');
      throw error;
    }
  }
}
