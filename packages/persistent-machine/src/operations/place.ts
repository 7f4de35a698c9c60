/**
 * Places in the feed, and what a transition is known by. A place names one transition, or the beginning; so it has a
 * fingerprint of that transition beside its position. Where the database was set back, as by the promotion of a standby
 * that lacks the last transitions, other transitions take the positions of those that are lost, and only the
 * fingerprint tells. Knows which columns identify a transition, not how a place is written down.
 */
import { hash } from 'node:crypto';
import type { MachineTables } from './tables';

export interface Place {
  /** Of the transition; 0 before the first. A whole number, as text. */
  readonly position: string;
  /** 64 bits of the transition, in hexadecimal; null: not given, as by a cursor of an older build. */
  readonly fingerprint: string | null;
}

/** What identifies a transition: its machine, its version, and when it was recorded. */
export type Witness = string;

/**
 * For a feed of several partitions the fingerprints of their last transitions are to be combined by XOR: of which
 * nothing is what the beginning has.
 */
const FINGERPRINT_OF_BEGINNING = '0'.repeat(16);

export function witnessOf(id: string, version: number, recordedAt: Date): Witness {
  return `${id} ${version} ${recordedAt.getTime()}`;
}

/** The same, as an SQL expression about a row of the history. */
export function witnessExpression({ owner }: MachineTables, alias: string): string {
  return `concat_ws(' ', ${alias}.${owner.name}, ${alias}.version, (extract(epoch FROM ${alias}.recorded_at) * 1000)::bigint)`;
}

/** @param witness null: there is no such transition */
export function fingerprintOf(witness: Witness | null): string {
  return witness === null ? FINGERPRINT_OF_BEGINNING : hash('sha256', witness).slice(0, 16);
}
