/**
 * Places in the feed. A place names one transition, or the beginning, by position and fingerprint. A position is not
 * enough: after the promotion of a standby that lacks the last transitions, new transitions get the positions of the
 * lost ones, and only the fingerprint tells them apart. Cursors are encoded elsewhere.
 */
import { hash } from 'node:crypto';
import type { MachineTables } from './tables';

export interface Place {
  /** The transition's position, a whole number as text; 0 before the first. */
  readonly position: string;
  /** 64 bits in hexadecimal; null in a cursor of an older build, which had none. */
  readonly fingerprint: string | null;
}

/** What identifies a transition: its machine, its version, and its time of recording. */
export type Witness = string;

/**
 * Zero, because a feed of several partitions would combine their fingerprints by XOR, and zero is neutral.
 */
const FINGERPRINT_OF_BEGINNING = '0'.repeat(16);

export function witnessOf(id: string, version: number, recordedAt: Date): Witness {
  return `${id} ${version} ${recordedAt.getTime()}`;
}

/** `witnessOf` as an SQL expression about a row of the history. */
export function witnessExpression({ owner }: MachineTables, alias: string): string {
  return `concat_ws(' ', ${alias}.${owner.name}, ${alias}.version, (extract(epoch FROM ${alias}.recorded_at) * 1000)::bigint)`;
}

/** @param witness null for the beginning */
export function fingerprintOf(witness: Witness | null): string {
  return witness === null ? FINGERPRINT_OF_BEGINNING : hash('sha256', witness).slice(0, 16);
}
