/**
 * Partitions: the ledger has one row for each, so that commits in different partitions do not wait for each other. All
 * that belongs to one machine is in one partition. Their number is the database's, and never changes.
 */
import { hash } from 'node:crypto';
import type { LaneOf } from './Operation';
import type { MachineTables } from './tables';

/**
 * The partition of a machine: the first 28 bits of the MD5 of its id, modulo their number. A CHECK of the tables
 * computes the same. It hashes, because a UUID of version 1 ends in the address of the computer that made it.
 *
 * @param id in lower case
 * @param partitions their number
 */
export function partitionOf(id: string, partitions: number): number {
  return partitions === 1 ? 0 : parseInt(hash('md5', id).slice(0, 7), 16) % partitions;
}

/** A further column of the machines that a statement is about: its name and its type. */
type WantedColumn = readonly [name: string, type: string];

/** How a statement is told about which machines it is: by its first two parameters, partitions and ids. */
export interface WantedMachines {
  /** @returns a FROM item with the columns `partition` and `id` */
  readonly from: (alias: string) => string;
  /**
   * @param others columns that have the parameters from the third on, which are arrays like the ids
   * @returns a FROM item with the columns `partition`, `id`, the others, and `number`, which counts from 1 on
   */
  readonly numbered: (alias: string, ...others: readonly WantedColumn[]) => string;
  /** The first parameter. */
  readonly partitions: (ids: readonly string[]) => number | readonly number[];
  /** What the lane needs to know so that no statement is about more partitions than it can be. */
  readonly lane: <Question>(
    idOf: (question: Question) => string,
  ) => Pick<LaneOf<Question>, 'partitionOf'>;
}

/**
 * In distributed tables a statement is about machines of one partition. So it goes to the one node that has them, and
 * needs no other node; a list of partitions would go to all nodes, and few such statements can be planned at all.
 */
export function wantedMachines({ partitions, isDistributed }: MachineTables): WantedMachines {
  const all = (others: readonly WantedColumn[]): readonly WantedColumn[] => [
    ['id', 'uuid'],
    ...others,
  ];
  const arrays = (others: readonly WantedColumn[]): string =>
    all(others)
      .map(([, type], index) => `$${index + 2}::${type}[]`)
      .join(', ');
  const names = (others: readonly WantedColumn[]): string =>
    `partition, ${all(others)
      .map(([name]) => name)
      .join(', ')}`;
  if (!isDistributed) {
    return {
      from: (alias) => `unnest($1::integer[], ${arrays([])}) AS ${alias} (${names([])})`,
      numbered: (alias, ...others) => `unnest($1::integer[], ${arrays(others)})
  WITH ORDINALITY AS ${alias} (${names(others)}, number)`,
      partitions: (ids) => ids.map((id) => partitionOf(id, partitions)),
      lane: () => ({}),
    };
  }
  return {
    from: (alias) =>
      `(SELECT $1::integer, item.* FROM unnest(${arrays([])}) AS item) AS ${alias} (${names([])})`,
    numbered: (alias, ...others) =>
      `(SELECT $1::integer, item.* FROM unnest(${arrays(others)}) WITH ORDINALITY AS item)
  AS ${alias} (${names(others)}, number)`,
    // The group is of one partition, and not empty.
    partitions: ([id = '']) => partitionOf(id, partitions),
    lane: (idOf) => ({ partitionOf: (question) => partitionOf(idOf(question), partitions) }),
  };
}
