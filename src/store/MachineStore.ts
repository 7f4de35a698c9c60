/**
 * Persistent machines: begins them, finds them, and moves them by compare-and-swap, with their history.
 * Generic in the record and its phases. Owns every write to a machine's tables; what a machine allows is
 * decided by the machine alone, which this only asks.
 */
import DataLoader from 'dataloader';
import type { Database, Statement } from '../database/Database';
import { Overloaded } from '../database/failures';
import { type MachinePhase, type MachineRecord, TransitionError } from '../machine';
import {
  type Change,
  beginStatement,
  findStatement,
  findVersionStatement,
  parameters,
  swapStatement,
} from './statements';
import type { MachineTables } from './tables';

/** Rebuilds the phase that a record is in; throws where the record is one that cannot be. */
export type PhaseOf<R extends MachineRecord, P extends MachinePhase<R>> = (record: R) => P;

/** Who asks for a change. */
export interface ChangeOptions {
  /** Recorded with the transition; null when nobody was asked to say. */
  readonly actor: string | null;
}

export interface StoreSettings {
  /** The clock. */
  readonly now: () => Date;
  /** How long a change goes on trying after lost swaps, in milliseconds. */
  readonly timeout: number;
}

/** The most records that one statement looks for. */
const GROUP_SIZE = 256;

export class MachineStore<R extends MachineRecord, P extends MachinePhase<R>> {
  readonly #database: Database;
  readonly #tables: MachineTables;
  readonly #phaseOf: PhaseOf<R, P>;
  readonly #settings: StoreSettings;
  readonly #find: Statement;
  readonly #findVersion: Statement;
  readonly #begin: Statement;
  readonly #swap: Statement;
  // Look-ups that arrive together go as one statement. Nothing is kept (`cache: false`): a read that
  // begins after an answer was given must see at least what that answer showed.
  readonly #records: DataLoader<string, R | null>;

  constructor(
    database: Database,
    tables: MachineTables,
    phaseOf: PhaseOf<R, P>,
    settings: StoreSettings,
  ) {
    this.#database = database;
    this.#tables = tables;
    this.#phaseOf = phaseOf;
    this.#settings = settings;
    this.#find = findStatement(tables);
    this.#findVersion = findVersionStatement(tables);
    this.#begin = beginStatement(tables);
    this.#swap = swapStatement(tables);
    this.#records = new DataLoader((ids) => this.#findRecords(ids), {
      cache: false,
      maxBatchSize: GROUP_SIZE,
    });
  }

  /**
   * Begins a machine.
   *
   * @param event what the beginning is recorded as
   * @param beginning its first phase, at version 1, given the clock's reading
   * @returns that phase; where a machine with this id has begun before, the phase that it began in, so
   *   that asking twice is the same as asking once
   */
  async begin<Initial extends P>(
    event: string,
    beginning: (now: Date) => Initial,
    { actor }: ChangeOptions,
  ): Promise<Initial> {
    const phase = beginning(this.#settings.now());
    const begun = await this.#commit(this.#begin, {
      record: phase.state,
      event,
      from: null,
      occurredAt: phase.occurredAt,
      actor,
    });
    if (begun) return phase;

    const id = phase.state.id;
    const [original] = await this.#database.run<R>(this.#findVersion, [[id], [1]]);
    const began = original && this.#phaseOf(original);
    // The database lets no record be without its history, nor begin in a state that is not initial.
    if (began?.stateType !== phase.stateType) throw new Error(`${id} began otherwise.`);
    // Of one state there is one class.
    return began as Initial;
  }

  /**
   * Finds a machine. All that are asked for in one turn of the event loop are read by one statement.
   *
   * @param id in lower case
   * @returns the phase that it is in, or null where there is none with this id
   */
  async find(id: string): Promise<P | null> {
    const record = await this.#records.load(id);
    return record && this.#phaseOf(record);
  }

  /**
   * Moves a machine by one transition: asks the machine what becomes of it, and records that by
   * compare-and-swap. Whoever loses the swap looks again and asks again. So exactly one of many
   * concurrent callers wins, and each other is told what is true then.
   *
   * @param id in lower case
   * @param event what the transition is recorded as
   * @param step pure: the next phase, or a refusal, given the phase as it is and the clock's reading
   * @returns what the step returned, a new phase only once it is committed; null where there is no such
   *   machine
   * @throws Overloaded where the swap was lost again and again until the time was up
   */
  async transition<Outcome extends P | TransitionError>(
    id: string,
    event: string,
    step: (phase: P, now: Date) => Outcome,
    { actor }: ChangeOptions,
  ): Promise<Outcome | null> {
    const deadline = this.#settings.now().getTime() + this.#settings.timeout;
    for (;;) {
      const phase = await this.find(id);
      if (phase === null) return null;

      const now = this.#settings.now();
      const outcome = step(phase, now);
      if (outcome instanceof TransitionError) return outcome;

      const swapped = await this.#commit(this.#swap, {
        record: outcome.state,
        event,
        from: phase.stateType,
        occurredAt: outcome.occurredAt,
        actor,
      });
      if (swapped) return outcome;
      if (now.getTime() >= deadline) throw new Overloaded('This machine is changed too often.');
    }
  }

  /** @returns whether the change was applied; false: the swap was lost, or the id was taken */
  async #commit(statement: Statement, change: Change<R>): Promise<boolean> {
    const applied = await this.#database.run(statement, parameters(this.#tables, [change]));
    return applied.length === 1;
  }

  async #findRecords(ids: readonly string[]): Promise<(R | null)[]> {
    const records = await this.#database.run<R>(this.#find, [[...new Set(ids)]]);
    const byId = new Map(records.map((record) => [record.id, record]));
    return ids.map((id) => byId.get(id) ?? null);
  }
}
