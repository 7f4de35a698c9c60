/**
 * Persistent machines: begins them, finds them, and moves them by compare-and-swap, each transition once.
 * Generic in the record and its phases. Owns every write to a machine's tables; what a machine allows is
 * decided by the machine alone, which this only asks.
 */
import { randomUUID } from 'node:crypto';
import type { Database } from '../database/Database';
import { DatabaseUnavailable, OutcomeUnknown, Overloaded } from '../database/failures';
import {
  IdempotencyKeyReused,
  type MachineDefinition,
  type MachinePhase,
  type MachineRecord,
  type Moment,
  TransitionError,
  checkBeginning,
  checkEvent,
  checkSuccession,
} from '../machine';
import type { Change } from '../operations/change';
import { find } from '../operations/find';
import { type Version, type VersionLookup, findVersion } from '../operations/findVersion';
import {
  type FoundWithKey,
  type KeyedLookup,
  findWithKey,
  madeUpKey,
} from '../operations/findWithKey';
import type { MachineTables } from '../operations/tables';
import { type CommitSettings, Commits } from './Commits';
import type { Lane } from './Lane';
import type { Lanes } from './Lanes';
import type { PhaseOf } from './transition';

/** How a transition is asked for. */
export interface TransitionRequest {
  /** The caller's word for when it occurred; left out: now. */
  readonly occurredAt?: Date | null | undefined;
  /** The same key again, of the same machine, answers what was recorded under it the first time. */
  readonly idempotencyKey?: string | null | undefined;
  /** Who asks; null when nobody was asked to say. */
  readonly actor: string | null;
  /** By `performance.now()`; left out: as long as a request may take, from now on. */
  readonly deadline?: number | undefined;
}

export interface StoreSettings extends CommitSettings {
  /** What the machine allows: a caller whose step leads elsewhere has a bug. */
  readonly machine: MachineDefinition;
  /** The clock by which transitions are recorded. */
  readonly now: () => Date;
  /** How long a request may wait and try for which no deadline is given, in milliseconds. */
  readonly timeout: number;
  /** Told of each transition that was asked for; `lost` is a lost swap, which is tried again. */
  readonly onTransition?: (event: string, outcome: TransitionOutcome) => void;
}

export type TransitionOutcome = 'applied' | 'replayed' | 'refused' | 'lost' | 'failed';

export class MachineStore<R extends MachineRecord, P extends MachinePhase<R>> {
  /** In which its requests wait. */
  readonly lanes: Lanes;
  readonly #phaseOf: PhaseOf<R, P>;
  readonly #settings: StoreSettings;
  readonly #finds: Lane<string, R | null>;
  readonly #keyedFinds: Lane<KeyedLookup, FoundWithKey<R>>;
  readonly #versions: Lane<VersionLookup, Version<R> | null>;
  readonly #commits: Commits<R>;

  constructor(
    database: Database,
    tables: MachineTables,
    phaseOf: PhaseOf<R, P>,
    settings: StoreSettings,
  ) {
    this.#phaseOf = phaseOf;
    this.#settings = settings;
    const { lanes } = settings;
    this.lanes = lanes;
    this.#finds = lanes.open(find<R>(tables), database);
    this.#keyedFinds = lanes.open(findWithKey<R>(tables), database);
    this.#versions = lanes.open(findVersion<R>(tables), database);
    this.#commits = new Commits(database, tables, this.#versions, settings);
  }

  /**
   * Begins a machine.
   *
   * @param event what the beginning is recorded as
   * @param beginning its first phase, at version 1, given the clock's reading
   * @returns that phase; where a machine with this id has begun before, the phase that it began in, so
   *   that asking twice is the same as asking once
   * @throws Overloaded, DatabaseUnavailable: nothing was changed; OutcomeUnknown; TypeError where the machine does
   *   not begin so
   */
  async begin<Initial extends P>(
    event: string,
    beginning: (now: Date) => Initial,
    { actor, deadline = this.#deadline() }: Pick<TransitionRequest, 'actor' | 'deadline'>,
  ): Promise<Initial> {
    const phase = beginning(this.#settings.now());
    checkBeginning(this.#settings.machine, event, phase);
    const { id } = phase.state;
    const change = {
      record: phase.state,
      event,
      from: null,
      occurredAt: phase.occurredAt,
      actor,
      idempotencyKey: null,
      token: null,
    };
    if (await this.#commit(change, deadline, { id })) return phase;

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
    // Of one state there is one class.
    return this.#phaseOf(begun.record) as Initial;
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
  async find(id: string, deadline = this.#deadline()): Promise<P | null> {
    const record = await this.#finds.submit(id, deadline);
    return record && this.#phaseOf(record);
  }

  /**
   * Moves a machine by one transition: asks the machine what becomes of it, and records that by
   * compare-and-swap. Whoever loses the swap looks again and asks again. So exactly one of many
   * concurrent callers wins, and each other is told what is true then.
   *
   * @param id in lower case
   * @param event what the transition is recorded as
   * @param step pure: the next phase, or a refusal, given the phase as it is and the moment
   * @returns what the step returned, a new phase only once it is committed; for an idempotency key that was
   *   used before, the phase right after its transition, whatever happened since; null where there is no
   *   such machine
   * @throws Overloaded, DatabaseUnavailable: nothing was changed; OutcomeUnknown; TypeError where no state accepts
   *   the event, or the step leads where the event does not
   */
  async transition<Outcome extends P | TransitionError>(
    id: string,
    event: string,
    step: (phase: P, at: Moment) => Outcome,
    { occurredAt, idempotencyKey = null, actor, deadline = this.#deadline() }: TransitionRequest,
  ): Promise<Outcome | IdempotencyKeyReused | null> {
    checkEvent(this.#settings.machine, event);
    for (;;) {
      const { record, recorded } = await this.#load(id, idempotencyKey, deadline).catch(
        (error: unknown) => {
          this.#count(event, 'failed');
          throw error;
        },
      );
      if (record === null) {
        this.#count(event, 'refused');
        return null;
      }
      if (recorded !== null) {
        const same = occurredAt?.getTime() ?? recorded.occurredAt.getTime();
        const isReplay = recorded.event === event && recorded.occurredAt.getTime() === same;
        this.#count(event, isReplay ? 'replayed' : 'refused');
        return isReplay
          ? // Recorded by the same event, and so one of the step's own outcomes.
            (this.#phaseOf(recorded.record) as Outcome)
          : new IdempotencyKeyReused(recorded.key);
      }

      const phase = this.#phaseOf(record);
      const outcome = step(phase, { occurredAt, now: this.#settings.now() });
      if (outcome instanceof TransitionError) {
        this.#count(event, 'refused');
        return outcome;
      }

      checkSuccession(this.#settings.machine, event, phase, outcome);
      const { version } = outcome.state;
      const token = randomUUID();
      const change = {
        record: outcome.state,
        event,
        from: phase.stateType,
        occurredAt: outcome.occurredAt,
        actor,
        idempotencyKey,
        token,
      };
      const retryWith = { idempotencyKey: idempotencyKey ?? madeUpKey(version, token) };
      if (await this.#commit(change, deadline, retryWith)) return outcome;
    }
  }

  #count(event: string, outcome: TransitionOutcome): void {
    this.#settings.onTransition?.(event, outcome);
  }

  #deadline(): number {
    return performance.now() + this.#settings.timeout;
  }

  /** @returns the machine as it is, and what was recorded under the key, where one is given */
  async #load(id: string, key: string | null, deadline: number): Promise<FoundWithKey<R>> {
    return key === null
      ? { record: await this.#finds.submit(id, deadline), recorded: null }
      : this.#keyedFinds.submit({ id, key }, deadline);
  }

  /** @returns whether the change was applied; false: the swap was lost, or the id was taken */
  async #commit(
    change: Change<R>,
    deadline: number,
    retryWith: Readonly<Record<string, string>>,
  ): Promise<boolean> {
    const isBeginning = change.from === null;
    try {
      const isApplied = await (isBeginning
        ? this.#commits.begin(change, deadline)
        : this.#commits.swap(change, deadline));
      // A beginning that was there already is the same as a replay.
      const unapplied = isBeginning ? 'replayed' : 'lost';
      this.#count(change.event, isApplied ? 'applied' : unapplied);
      return isApplied;
    } catch (error) {
      this.#count(change.event, 'failed');
      if (error instanceof OutcomeUnknown) throw new OutcomeUnknown(retryWith, { cause: error });
      throw error;
    }
  }
}
