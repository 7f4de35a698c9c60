/**
 * Partitions: the ledger has one row for each, so that commits in different partitions do not wait for each other. All
 * that belongs to one machine is in one partition. Their number is the database's, and never changes.
 */
import { hash } from 'node:crypto';
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

/** @returns a function from ids to their partitions, for a parameter beside that of the ids */
export function partitionsIn({ partitions }: MachineTables): (ids: readonly string[]) => number[] {
  return (ids) => ids.map((id) => partitionOf(id, partitions));
}
