/**
 * Persistent machines: begins them, finds them, and moves them by compare-and-swap, each transition once. What a machine
 * allows is decided by its lifecycle alone, which this only asks; how a change is committed is decided elsewhere.
 */
import { randomUUID } from 'node:crypto';
import type { Database } from '../database/Database';
import { DatabaseUnavailable, OutcomeUnknown, Overloaded } from '../database/failures';
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
import { type Version, type VersionLookup, findVersion } from '../operations/findVersion';
import { type FoundWithKey, type KeyedLookup, findWithKey } from '../operations/findWithKey';
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
import type { Lane } from './Lane';
import type { Lanes } from './Lanes';
import type { BeginRequest, TransitionRequest } from './requests';

export interface StoreSettings extends CommitSettings {
  /** The clock by which transitions are recorded. */
  readonly now: () => Date;
  /** How long a request may wait and try for which no deadline is given, in milliseconds. */
  readonly timeout: number;
}

export class MachineStore<L extends AnyLifecycle> {
  /** In which its requests wait. */
  readonly lanes: Lanes;
  readonly #lifecycle: L;
  readonly #phaseOf: (record: MachineRecord) => PhaseIn<L>;
  readonly #codec: DataCodec;
  readonly #settings: StoreSettings;
  readonly #finds: Lane<string, MachineRecord | null>;
  readonly #keyedFinds: Lane<KeyedLookup, FoundWithKey>;
  readonly #versions: Lane<VersionLookup, Version | null>;
  readonly #commits: Commits;

  /** @throws Error where the tables have no column for what the events carry */
  constructor(database: Database, tables: MachineTables, lifecycle: L, settings: StoreSettings) {
    this.#lifecycle = lifecycle;
    this.#phaseOf = phasesOf(lifecycle);
    this.#codec = new DataCodec(lifecycle.machine);
    if (this.#codec.isNeeded && !tables.hasData) {
      throw new Error(`${tables.names.history} has no column data, and events carry some.`);
    }
    this.#settings = settings;
    const { lanes } = settings;
    this.lanes = lanes;
    this.#finds = lanes.open(find(tables), database);
    this.#keyedFinds = lanes.open(findWithKey(tables), database);
    this.#versions = lanes.open(findVersion(tables), database);
    this.#commits = new Commits(database, tables, this.#versions, settings);
  }

  /**
   * Begins a machine by the lifecycle's initial event.
   *
   * @param id in lower case
   * @param data what the event carries; `{}` where it carries nothing
   * @returns the first phase; where a machine with this id has begun before, the phase that it began in, so that
   *   asking twice is the same as asking once
   * @throws BegunOtherwise where it has begun with other data; Overloaded, DatabaseUnavailable: nothing was changed;
   *   OutcomeUnknown; TypeError where the data are not what the event carries
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
    const change = { record, event, from: null, data: said, occurredAt, ...by };
    // Of one state there is one class.
    if (await this.#commits.begin(change, deadline)) return phase as InitialPhase<L>;
    const begun = await this.#versions
      .submit({ id, version: 1 }, deadline)
      .catch((error: unknown) => {
        // It is there, and may well be ours: that nothing was changed must not be said.
        if (error instanceof Overloaded || error instanceof DatabaseUnavailable) {
          throw new OutcomeUnknown({ id }, { cause: error });
        }
        throw error;
      });
    // The database lets no record be without its history, nor begin in a state that is not initial.
    if (begun?.record.stateType !== phase.stateType) throw new Error(`${id} began otherwise.`);
    if (!this.#codec.isSame(event, said, begun.data)) throw new BegunOtherwise(id);
    return this.#lifecycle.phaseOf(begun.record) as InitialPhase<L>;
  }

  /**
   * Finds a machine. One that many ask for at once is read once; a request never joins a statement that is
   * already in flight, so that it sees whatever was committed before it.
   *
   * @param id in lower case
   * @param deadline by `performance.now()`; left out: as long as a request may take, from now on
   * @returns the phase that it is in, or null where there is none with this id
   * @throws Overloaded, DatabaseUnavailable
   */
  async find(id: string, deadline = this.#deadline()): Promise<PhaseIn<L> | null> {
    const record = await this.#finds.submit(id, deadline);
    return record && this.#phaseOf(record);
  }

  /**
   * Moves a machine by one transition: asks the machine what becomes of it, and records that by compare-and-swap. A
   * caller that loses the swap looks again and asks again. So exactly one of many concurrent callers wins, and each
   * other is told what is true then.
   *
   * @param id in lower case
   * @param event what is asked for
   * @param data what the event carries; `{}` where it carries nothing
   * @returns the new phase, once it is committed; for an idempotency key that was used before, the phase right after
   *   its transition, whatever happened since. Or why not, the first of: NotFound; IdempotencyKeyReused, where the key
   *   was used with another event, `occurredAt` or data; IllegalTransition; what the machine itself refuses with;
   *   OccurredAtOutOfRange
   * @throws Overloaded, DatabaseUnavailable: nothing was changed; OutcomeUnknown; TypeError where no state accepts
   *   the event, the data are not what it carries, or its verb makes what cannot be recorded
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
          ? // Recorded by the same event, and so one of its own outcomes.
            (this.#lifecycle.phaseOf(recorded.record) as Answer<L, E>)
          : new IdempotencyKeyReused(recorded.key);
      }

      const phase = this.#lifecycle.phaseOf(record);
      const outcome = step(phase, data, { occurredAt, now: this.#settings.now() });
      if (outcome instanceof Refusal) {
        this.#count(event, 'refused');
        // The step gives no refusals but the event's own.
        return outcome as Answer<L, E>;
      }
      const change: Change = {
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

  /** @returns the machine as it is, and what was recorded under the key, where one is given */
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
