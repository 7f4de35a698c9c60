/**
 * Commits changes in groups: sends them, finds out which were lost, and settles what lost its answer. Owns every write
 * to a machine's tables; does not know what a change means, nor who decided it.
 */
import type { Database } from '../database/Database';
import {
  DatabaseUnavailable,
  LockNotAvailable,
  OutcomeUnknown,
  RefusedData,
} from '../database/failures';
import type { MachineRecord } from '../machine';
import { begin } from '../operations/begin';
import type { Applied, Change } from '../operations/change';
import { find } from '../operations/find';
import { madeUpKey } from '../operations/findWithKey';
import type { Version, VersionLookup } from '../operations/findVersion';
import type { Operation } from '../operations/Operation';
import { swap } from '../operations/swap';
import type { MachineTables } from '../operations/tables';
import { HELD_UP } from './HeldUp';
import type { Lane } from './Lane';
import { type Lanes, run } from './Lanes';

export interface CommitSettings {
  /** In which changes wait. */
  readonly lanes: Lanes;
  /** Told once, when the database shows that no change may be made any more; all are refused then. */
  readonly onBrokenLedger: (error: Error) => void;
  /** Told after each commit that has changed something. */
  readonly onCommit?: () => void;
  /** Told of each transition that was asked for; `lost` is a lost swap, which is tried again. */
  readonly onTransition?: (event: string, outcome: TransitionOutcome) => void;
}

export type TransitionOutcome = 'applied' | 'replayed' | 'refused' | 'lost' | 'failed';

type Commit = Operation<Change, boolean, Applied>;

/** What a group of one is answered where its idempotency key was used meanwhile: it is lost, whatever the version. */
const KEY_IS_TAKEN: readonly boolean[] = [false];

export class Commits {
  readonly #database: Database;
  readonly #tables: MachineTables;
  readonly #settings: CommitSettings;
  readonly #begins: Lane<Change, boolean>;
  readonly #swaps: Lane<Change, boolean>;
  #broken = false;

  /** @param versions finds a machine at one of its versions */
  constructor(
    database: Database,
    tables: MachineTables,
    versions: Lane<VersionLookup, Version | null>,
    settings: CommitSettings,
  ) {
    this.#database = database;
    this.#tables = tables;
    this.#settings = settings;
    const { lanes } = settings;
    const beginning = begin(tables);
    this.#begins = lanes.open(beginning, database, {
      execute: async (changes) => this.#commit(beginning, changes),
      follow: () => false,
      // Whichever statement began it, the answer is how it began.
      settle: async (_change, begun) => begun,
      isHeldUp: (error) => error instanceof LockNotAvailable,
    });
    const swapping = swap(tables);
    const finding = find(tables);
    this.#swaps = lanes.open(swapping, database, {
      execute: async (changes) => {
        const applied = await this.#commit(swapping, changes);
        return this.#tellLostFromSkipped(finding, changes, applied);
      },
      // Whether the first swap of a version wins or not, the others are lost.
      follow: () => false,
      // A swap that was sent, lost its answer, and was sent again until it was applied or lost (that it was skipped
      // proves nothing: the first statement may still run, and hold the lock). If it is lost, the version is there for
      // good, and bears our token or another's.
      settle: async ({ record: { id, version }, token }, isApplied, deadline) =>
        isApplied || (await versions.submit({ id, version }, deadline))?.token === token,
    });
  }

  /**
   * @param deadline by `performance.now()`
   * @returns whether it began; false: there was a machine with this id
   * @throws Overloaded, DatabaseUnavailable: nothing was changed; OutcomeUnknown
   */
  async begin(change: Change, deadline: number): Promise<boolean> {
    // A beginning that was there already is the same as a replay.
    return this.#submit(this.#begins, change, deadline, 'replayed');
  }

  /**
   * @param deadline by `performance.now()`
   * @returns whether it was applied; false: the swap was lost
   * @throws Overloaded, DatabaseUnavailable: nothing was changed; OutcomeUnknown
   */
  async swap(change: Change, deadline: number): Promise<boolean> {
    return this.#submit(this.#swaps, change, deadline, 'lost');
  }

  async #submit(
    lane: Lane<Change, boolean>,
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
      const constraint = error instanceof RefusedData ? error.constraint : undefined;
      // Another caller used the key meanwhile: to look again will show what for.
      if (constraint === idempotencyKey && changes.length === 1) return KEY_IS_TAKEN;
      if (constraint !== positionKey || !(error instanceof Error)) throw error;
      if (!this.#broken) this.#settings.onBrokenLedger(error);
      this.#broken = true;
      throw new DatabaseUnavailable('The ledger is broken.', { cause: error });
    }
  }

  /**
   * What was not applied is lost only where its version, or a later one, is there. Else another transaction has
   * locked the record, and the statement has skipped it: that decides nothing, and it goes again.
   */
  async #tellLostFromSkipped(
    finding: Operation<string, MachineRecord | null, MachineRecord>,
    changes: readonly Change[],
    applied: readonly boolean[],
  ): Promise<readonly (boolean | typeof HELD_UP)[]> {
    const others = changes.filter((_change, index) => applied[index] === false);
    if (others.length === 0 || applied === KEY_IS_TAKEN) return applied;
    const ids = others.map(({ record }) => record.id);
    // Where that cannot be read now, they go again, too: what was applied must be told in any case.
    const records = await run(finding, this.#database, ids).catch(() => []);
    const versions = new Map(records.map((record) => [record?.id, record?.version ?? 0]));
    return changes.map(({ record: { id, version } }, index) => {
      const isThere = (versions.get(id) ?? 0) >= version;
      return applied[index] === true || (isThere ? false : HELD_UP);
    });
  }
}

/** The arguments that make trying again safe. */
function retryWith({ record, token, idempotencyKey }: Change): Readonly<Record<string, string>> {
  const { id, version } = record;
  return token === null ? { id } : { idempotencyKey: idempotencyKey ?? madeUpKey(version, token) };
}
