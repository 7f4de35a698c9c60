/**
 * Persistent machines: begins them, finds them, and moves them by compare-and-swap, each transition once.
 * Generic in the record and its phases. Owns every write to a machine's tables; what a machine allows is
 * decided by the machine alone, which this only asks.
 */
import { randomUUID } from 'node:crypto';
import type { Database, Statement } from '../database/Database';
import {
  DatabaseUnavailable,
  LockNotAvailable,
  OutcomeUnknown,
  Overloaded,
  RefusedData,
} from '../database/failures';
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
import { HELD_UP } from './HeldUp';
import { type GroupTracer, Lane } from './Lane';
import {
  type Change,
  beginStatement,
  findStatement,
  findVersionStatement,
  findWithKeyStatement,
  parameters,
  swapStatement,
} from './statements';
import { type MachineTables, recordOf } from './tables';

/** Rebuilds the phase that a record is in; throws where the record is one that cannot be. */
export type PhaseOf<R extends MachineRecord, P extends MachinePhase<R>> = (record: R) => P;

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

export interface StoreSettings {
  /** What the machine allows: a caller whose step leads elsewhere has a bug. */
  readonly machine: MachineDefinition;
  /** The clock by which transitions are recorded. */
  readonly now: () => Date;
  /** How long a request may wait and try for which no deadline is given, in milliseconds. */
  readonly timeout: number;
  /** The most requests that wait for each kind of statement. */
  readonly queueSize: number;
  /** Told once, when the database shows that no change may be made any more; the store then refuses all. */
  readonly onBrokenLedger: (error: Error) => void;
  /** Told after each commit that has changed something. */
  readonly onCommit?: () => void;
  readonly observer?: StoreObserver;
  readonly tracer?: GroupTracer | undefined;
}

/** Whoever counts what the store does. */
export interface StoreObserver {
  /** A group is sent: how many entries, and how long the first had waited, in milliseconds. */
  readonly onGroup: (lane: string, size: number, waited: number) => void;
  /** A transition was asked for; `lost` is a lost swap, which is tried again. */
  readonly onTransition: (event: string, outcome: TransitionOutcome) => void;
}

export type TransitionOutcome = 'applied' | 'replayed' | 'refused' | 'lost' | 'failed';

interface KeyedLookup {
  readonly id: string;
  readonly key: string;
}

interface VersionLookup {
  readonly id: string;
  readonly version: number;
}

/** A machine as it was at one of its versions, and the token of the transition that made it so. */
interface Version<P> {
  readonly phase: P;
  readonly token: string | null;
}

/** What was recorded under an idempotency key. */
interface Recorded<P> {
  readonly key: string;
  readonly event: string;
  readonly occurredAt: Date;
  readonly phase: P;
}

/** The most entries of one statement. */
const GROUP_SIZE = 256;

/** What a group of one is answered where its idempotency key was used meanwhile: it is lost, whatever the version. */
const KEY_IS_TAKEN: readonly boolean[] = [false];

/** A key that we make up for who gave none: it names the version and the token of the transition. */
const MADE_UP_KEY = /^retry:(\d{1,9}):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

export class MachineStore<R extends MachineRecord, P extends MachinePhase<R>> {
  readonly #database: Database;
  readonly #tables: MachineTables;
  readonly #phaseOf: PhaseOf<R, P>;
  readonly #settings: StoreSettings;
  readonly #finds: Lane<string, R | null>;
  readonly #keyedFinds: Lane<KeyedLookup, { record: R | null; recorded: Recorded<P> | null }>;
  readonly #versions: Lane<VersionLookup, Version<P> | null>;
  readonly #begins: Lane<Change<R>, boolean>;
  readonly #swaps: Lane<Change<R>, boolean>;
  #broken = false;

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

    const { queueSize, tracer } = settings;
    const observe = (lane: string) => (size: number, waited: number) => {
      settings.observer?.onGroup(lane, size, waited);
    };
    const reads = { groupSize: GROUP_SIZE, queueSize, inFlight: 2, tracer };
    // A second commit in flight would wait for the first one's lock of the ledger, and make both groups smaller.
    const commits = { ...reads, inFlight: 1 };
    const find = findStatement(tables);
    this.#finds = new Lane({
      ...reads,
      observe: observe('find'),
      execute: (ids) => this.#find(find, ids),
      keyOf: (id) => id,
      follow: (record) => record,
    });
    const findWithKey = findWithKeyStatement(tables);
    this.#keyedFinds = new Lane({
      ...reads,
      observe: observe('find with key'),
      execute: (lookups) => this.#findWithKey(findWithKey, lookups),
      keyOf: ({ id, key }) => `${id} ${key}`,
      follow: (found) => found,
    });
    const findVersion = findVersionStatement(tables);
    this.#versions = new Lane({
      ...reads,
      observe: observe('find version'),
      execute: (lookups) => this.#findVersions(findVersion, lookups),
      keyOf: ({ id, version }) => `${id} ${version}`,
      follow: (found) => found,
    });
    const begin = beginStatement(tables);
    this.#begins = new Lane({
      ...commits,
      observe: observe('begin'),
      execute: (changes) => this.#commit(begin, changes),
      keyOf: ({ record }) => record.id,
      follow: () => false,
      // Whoever began it, the answer is how it began.
      settle: async (_change, begun) => begun,
      isHeldUp: (error) => error instanceof LockNotAvailable,
    });
    const swap = swapStatement(tables);
    this.#swaps = new Lane({
      ...commits,
      observe: observe('swap'),
      execute: (changes) => this.#swap(swap, find, changes),
      // Of several swaps of one version only one can win, and whether it does, the others are lost.
      keyOf: ({ record }) => `${record.id} ${record.version}`,
      follow: () => false,
      settle: (change, swapped, deadline) => this.#settle(change, swapped, deadline),
    });
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
    if (await this.#submit(this.#begins, change, deadline, { id })) return phase;

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
    if (begun?.phase.stateType !== phase.stateType) throw new Error(`${id} began otherwise.`);
    // Of one state there is one class.
    return begun.phase as Initial;
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
            (recorded.phase as Outcome)
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
      const retryWith = { idempotencyKey: idempotencyKey ?? `retry:${version}:${token}` };
      if (await this.#submit(this.#swaps, change, deadline, retryWith)) return outcome;
    }
  }

  /** Whether so many wait already that another one may be refused at once. */
  get isFull(): boolean {
    return (
      this.#finds.isFull ||
      this.#keyedFinds.isFull ||
      this.#versions.isFull ||
      this.#begins.isFull ||
      this.#swaps.isFull
    );
  }

  /** How many wait, in each lane. */
  get queues(): Readonly<Record<string, number>> {
    return {
      find: this.#finds.length,
      'find with key': this.#keyedFinds.length,
      'find version': this.#versions.length,
      begin: this.#begins.length,
      swap: this.#swaps.length,
    };
  }

  #count(event: string, outcome: TransitionOutcome): void {
    this.#settings.observer?.onTransition(event, outcome);
  }

  #deadline(): number {
    return performance.now() + this.#settings.timeout;
  }

  /** @returns the machine as it is, and what was recorded under the key, where one is given */
  async #load(
    id: string,
    key: string | null,
    deadline: number,
  ): Promise<{ record: R | null; recorded: Recorded<P> | null }> {
    return key === null
      ? { record: await this.#finds.submit(id, deadline), recorded: null }
      : this.#keyedFinds.submit({ id, key }, deadline);
  }

  /** @returns whether the change was applied; false: the swap was lost, or the id was taken */
  async #submit(
    lane: Lane<Change<R>, boolean>,
    change: Change<R>,
    deadline: number,
    retryWith: Readonly<Record<string, string>>,
  ): Promise<boolean> {
    try {
      if (this.#broken) throw new DatabaseUnavailable('The ledger is broken.');
      const isApplied = await lane.submit(change, deadline);
      // A beginning that was there already is the same as a replay.
      const unapplied = change.from === null ? 'replayed' : 'lost';
      this.#count(change.event, isApplied ? 'applied' : unapplied);
      return isApplied;
    } catch (error) {
      this.#count(change.event, 'failed');
      if (error instanceof OutcomeUnknown) throw new OutcomeUnknown(retryWith, { cause: error });
      throw error;
    }
  }

  /**
   * What was not applied is lost only where its version, or a later one, is there. Else another transaction has
   * locked the record, and the statement has skipped it: that decides nothing, and it goes again.
   */
  async #swap(
    swap: Statement,
    find: Statement,
    changes: readonly Change<R>[],
  ): Promise<readonly (boolean | typeof HELD_UP)[]> {
    const applied = await this.#commit(swap, changes);
    const others = changes.filter((_change, index) => applied[index] === false);
    if (others.length === 0 || applied === KEY_IS_TAKEN) return applied;
    const ids = others.map(({ record }) => record.id);
    // Where that cannot be read now, they go again, too: what was applied must be told in any case.
    const records = await this.#find(find, ids).catch(() => []);
    const versions = new Map(records.map((record) => [record?.id, record?.version ?? 0]));
    return changes.map(({ record: { id, version } }, index) => {
      const isThere = (versions.get(id) ?? 0) >= version;
      return applied[index] === true || (isThere ? false : HELD_UP);
    });
  }

  async #commit(statement: Statement, changes: readonly Change<R>[]): Promise<readonly boolean[]> {
    const { idempotencyKey, positionKey } = this.#tables;
    try {
      const applied = await this.#database.run<{ id: string; version: number }>(
        statement,
        parameters(this.#tables, changes),
      );
      if (applied.length > 0) this.#settings.onCommit?.();
      const versions = new Map(applied.map(({ id, version }) => [id, version]));
      return changes.map(({ record }) => versions.get(record.id) === record.version);
    } catch (error) {
      const constraint = error instanceof RefusedData ? error.constraint : undefined;
      // Somebody used the key meanwhile: to look again will show what for.
      if (constraint === idempotencyKey && changes.length === 1) return KEY_IS_TAKEN;
      if (constraint !== positionKey || !(error instanceof Error)) throw error;
      if (!this.#broken) this.#settings.onBrokenLedger(error);
      this.#broken = true;
      throw new DatabaseUnavailable('The ledger is broken.', { cause: error });
    }
  }

  /**
   * What became of a swap that was sent, lost its answer, and was sent again, until it was applied or lost (that
   * it was skipped proves nothing: the first one may still run, and hold the lock). If that one is lost, then the
   * version is there, for good: either it bears our token, or it is somebody else's.
   */
  async #settle(
    { record: { id, version }, token }: Change<R>,
    swapped: boolean,
    deadline: number,
  ): Promise<boolean> {
    if (swapped) return true;
    const found = await this.#versions.submit({ id, version }, deadline);
    return found?.token === token;
  }

  async #find(statement: Statement, ids: readonly string[]): Promise<(R | null)[]> {
    const records = await this.#database.run<R>(statement, [ids]);
    const byId = new Map(records.map((record) => [record.id, record]));
    return ids.map((id) => byId.get(id) ?? null);
  }

  async #findVersions(
    statement: Statement,
    lookups: readonly VersionLookup[],
  ): Promise<(Version<P> | null)[]> {
    const rows = await this.#database.run<{ number: string; token: string | null }>(statement, [
      lookups.map(({ id }) => id),
      lookups.map(({ version }) => version),
    ]);
    const byNumber = new Map(rows.map((row) => [Number(row.number), row]));
    return lookups.map((_lookup, index) => {
      const row = byNumber.get(index + 1);
      if (row === undefined) return null;
      return { phase: this.#phaseOf(recordOf<R>(this.#tables, row)), token: row.token };
    });
  }

  async #findWithKey(
    statement: Statement,
    lookups: readonly KeyedLookup[],
  ): Promise<{ record: R | null; recorded: Recorded<P> | null }[]> {
    const madeUp = lookups.map(({ key }) => MADE_UP_KEY.exec(key));
    const rows = await this.#database.run<{
      number: string;
      event: string | null;
      occurredAt: Date;
    }>(statement, [
      lookups.map(({ id }) => id),
      lookups.map(({ key }) => key),
      madeUp.map((match) => match?.[1] ?? null),
      madeUp.map((match) => match?.[2] ?? null),
    ]);
    const byNumber = new Map(rows.map((row) => [Number(row.number), row]));
    return lookups.map(({ key }, index) => {
      const row = byNumber.get(index + 1);
      if (row === undefined) return { record: null, recorded: null };
      const { event, occurredAt } = row;
      return {
        record: recordOf<R>(this.#tables, row),
        recorded:
          event === null
            ? null
            : {
                key,
                event,
                occurredAt,
                phase: this.#phaseOf(recordOf<R>(this.#tables, row, 'recorded.')),
              },
      };
    });
  }
}
