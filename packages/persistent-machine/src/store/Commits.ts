/**
 * Commits changes in groups: sends them, finds out which swaps were lost, and settles those whose answer was lost. It
 * owns every write to a machine's tables, and does not know what a change means.
 */
import type { Database } from '../database/Database';
import {
  DatabaseUnavailable,
  LockNotAvailable,
  OutcomeUnknown,
  Overloaded,
  RefusedData,
  TimedOut,
} from '../database/failures';
import type { MachineRecord } from '../machine';
import { begin } from '../operations/begin';
import type { Applied, Change } from '../operations/change';
import { find } from '../operations/find';
import { madeUpKey } from '../operations/findWithKey';
import { type Version, type VersionLookup, findVersion } from '../operations/findVersion';
import type { Operation } from '../operations/Operation';
import { swap } from '../operations/swap';
import type { MachineTables } from '../operations/tables';
import { HELD_UP } from './HeldUp';
import type { LaneLike } from './Lane';
import { type Lanes, run } from './Lanes';

export interface CommitSettings {
  /** The lanes in which changes wait. */
  readonly lanes: Lanes;
  /** Called once, when the database shows that the ledger is broken. From then on all changes are refused. */
  readonly onBrokenLedger: (error: Error) => void;
  /** Called after each commit that changed something. */
  readonly onCommit?: () => void;
  /** Called for each attempt at a transition; `lost` is a lost swap, after which the store tries again. */
  readonly onTransition?: (event: string, outcome: TransitionOutcome) => void;
}

export type TransitionOutcome = 'applied' | 'replayed' | 'refused' | 'lost' | 'failed';

type Commit = Operation<Change, boolean, Applied>;

/** The answer to a group of one whose idempotency key was used meanwhile: the swap is lost, at any version. */
const KEY_IS_TAKEN: readonly boolean[] = [false];

export class Commits {
  readonly #database: Database;
  readonly #tables: MachineTables;
  readonly #settings: CommitSettings;
  readonly #begins: LaneLike<Change, boolean>;
  readonly #swaps: LaneLike<Change, boolean>;
  readonly #versions: LaneLike<VersionLookup, Version | null>;
  #broken = false;

  constructor(database: Database, tables: MachineTables, settings: CommitSettings) {
    this.#database = database;
    this.#tables = tables;
    this.#settings = settings;
    const { lanes } = settings;
    const versions = lanes.open(findVersion(tables), database);
    this.#versions = versions;
    const beginning = begin(tables);
    this.#begins = lanes.open(beginning, database, {
      execute: async (changes) => this.#commit(beginning, changes),
      follow: () => false,
      // Whichever statement began the machine, the caller then compares how it began.
      settle: async (_change, begun) => begun,
      // The nodes of a cluster do not know for how short a time a begin waits for a lock.
      isHeldUp: (error) =>
        error instanceof LockNotAvailable || (tables.isDistributed && error instanceof TimedOut),
    });
    const swapping = swap(tables);
    const finding = find(tables);
    this.#swaps = lanes.open(swapping, database, {
      execute: async (changes) => {
        const applied = await this.#commit(swapping, changes);
        return this.#tellLostFromSkipped(finding, changes, applied);
      },
      // Only one swap to a version can win, so those that were not sent are lost.
      follow: () => false,
      // After a lost answer the lane sent this swap again, until it was applied or lost. (A skipped record proves
      // nothing: the first statement may still run, and hold the lock.) If the swap is lost, its version exists for
      // good, with our token or another's.
      settle: async ({ record: { id, version }, token }, isApplied, deadline) =>
        isApplied || (await versions.submit({ id, version }, deadline))?.token === token,
    });
  }

  /**
   * @param deadline by `performance.now()`
   * @returns null if this change began the machine, or else the first version of the machine that has its id
   * @throws Overloaded or DatabaseUnavailable if nothing was changed; OutcomeUnknown
   */
  async begin(change: Change, deadline: number): Promise<Version | null> {
    // An id that is taken counts as a replay.
    if (await this.#submit(this.#begins, change, deadline, 'replayed')) return null;
    const { id, version } = change.record;
    const first = await this.#versions.submit({ id, version }, deadline).catch((error: unknown) => {
      // The machine exists, and this change may have begun it: we must not say that nothing was changed.
      if (error instanceof Overloaded || error instanceof DatabaseUnavailable) {
        throw new OutcomeUnknown(retryWith(change), { cause: error });
      }
      throw error;
    });
    // The database keeps a history for each record, and lets it begin only in the initial state.
    if (first?.record.stateType !== change.record.stateType) {
      throw new Error(`${id} did not begin in ${change.record.stateType}.`);
    }
    return first;
  }

  /**
   * @param deadline by `performance.now()`
   * @returns whether the change was applied; false if the swap was lost
   * @throws Overloaded or DatabaseUnavailable if nothing was changed; OutcomeUnknown
   */
  async swap(change: Change, deadline: number): Promise<boolean> {
    return this.#submit(this.#swaps, change, deadline, 'lost');
  }

  async #submit(
    lane: LaneLike<Change, boolean>,
    change: Change,
    deadline: number,
    otherwise: TransitionOutcome,
  ): Promise<boolean> {
    const { onTransition } = this.#settings;
    try {
      if (this.#broken) throw new DatabaseUnavailable('The ledger is broken.');
      const isApplied = await lane.submit(change, deadline);
      onTransition?.(change.event, isApplied ? 'applied' : otherwise);
      return isApplied;
    } catch (error) {
      onTransition?.(change.event, 'failed');
      if (error instanceof OutcomeUnknown) {
        throw new OutcomeUnknown(retryWith(change), { cause: error });
      }
      throw error;
    }
  }

  async #commit(operation: Commit, changes: readonly Change[]): Promise<readonly boolean[]> {
    try {
      const applied = await run(operation, this.#database, changes);
      if (applied.includes(true)) this.#settings.onCommit?.();
      return applied;
    } catch (error) {
      const { idempotencyKey, positionKey } = this.#tables;
      const violates = (key: string): boolean =>
        error instanceof RefusedData && error.violates(key);
      // Another caller used the key meanwhile. The store loads again, and sees for what.
      if (changes.length === 1 && violates(idempotencyKey)) return KEY_IS_TAKEN;
      if (!violates(positionKey) || !(error instanceof Error)) throw error;
      if (!this.#broken) this.#settings.onBrokenLedger(error);
      this.#broken = true;
      throw new DatabaseUnavailable('The ledger is broken.', { cause: error });
    }
  }

  /**
   * A change that was not applied is lost if its version exists by now. Otherwise another transaction has locked the
   * record and the statement skipped it, so the change must be sent again.
   */
  async #tellLostFromSkipped(
    finding: Operation<string, MachineRecord | null, MachineRecord>,
    changes: readonly Change[],
    applied: readonly boolean[],
  ): Promise<readonly (boolean | typeof HELD_UP)[]> {
    const others = changes.filter((_change, index) => applied[index] === false);
    if (others.length === 0 || applied === KEY_IS_TAKEN) return applied;
    const ids = others.map(({ record }) => record.id);
    // If this reading fails, the others are sent again, too: callers whose changes were applied must be told.
    const records = await run(finding, this.#database, ids).catch(() => []);
    const versions = new Map(records.map((record) => [record?.id, record?.version ?? 0]));
    return changes.map(({ record: { id, version } }, index) => {
      const isThere = (versions.get(id) ?? 0) >= version;
      return applied[index] === true || (isThere ? false : HELD_UP);
    });
  }
}

/** The arguments with which a caller can retry safely. */
function retryWith({ record, token, idempotencyKey }: Change): Readonly<Record<string, string>> {
  const { id, version } = record;
  return token === null ? { id } : { idempotencyKey: idempotencyKey ?? madeUpKey(version, token) };
}
