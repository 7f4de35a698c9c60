/**
 * Places in the feed. A place is a mark in each partition, and a mark names one transition, or the beginning, by
 * position and fingerprint. A position is not enough: after the promotion of a standby that lacks the last transitions,
 * new transitions get the positions of the lost ones, and only the fingerprint tells them apart. Cursors are encoded
 * elsewhere.
 */
import { hash } from 'node:crypto';
import type { MachineTables } from './tables';

/** A place in one partition. */
export interface Mark {
  /** The transition's position, a whole number as text; 0 before the first. */
  readonly position: string;
  /** 64 bits in hexadecimal. */
  readonly fingerprint: string;
}

/** A mark in each partition, by its number. The feed after it has all transitions that are after a mark. */
export type Place = readonly Mark[];

/** A transition, and its partition. */
export interface MarkIn extends Mark {
  readonly partition: number;
}

/** What a cursor says of a place. The database must prove it. */
export interface ClaimedPlace {
  /** By partition. */
  readonly positions: readonly string[];
  /** The fingerprints of all marks, combined; null in a cursor of an older build, which had none. */
  readonly fingerprint: string | null;
  /** The partition of the transition whose cursor it is. */
  readonly partition: number;
}

/**
 * What a cursor says: a place; or one transition, if the cursor was not read from the feed, and there are several
 * partitions.
 */
export type Claim = ClaimedPlace | MarkIn;

/** What identifies a transition: its machine, its version, and its time of recording. */
export type Witness = string;

/** Zero, because the fingerprints of a place are combined by XOR, and zero is neutral. */
const FINGERPRINT_OF_BEGINNING = '0'.repeat(16);

export function beginning(partitions: number): Place {
  const mark = { position: '0', fingerprint: FINGERPRINT_OF_BEGINNING };
  return Array.from({ length: partitions }, () => mark);
}

export function isPlace(claim: Claim): claim is ClaimedPlace {
  return 'positions' in claim;
}

/** The fingerprints of all marks, combined. */
export function fingerprintOf(place: Place): string {
  const [only] = place;
  if (place.length === 1 && only !== undefined) return only.fingerprint;
  const combined = place.reduce((sum, { fingerprint }) => sum ^ BigInt(`0x${fingerprint}`), 0n);
  return combined.toString(16).padStart(16, '0');
}

/** The place after a transition, if it is the next one of its partition. */
export function advanced(place: Place, { partition, position, fingerprint }: MarkIn): Place {
  return place.with(partition, { position, fingerprint });
}

/** In each partition the later mark of two places. */
export function later(one: Place, other: Place): Place {
  return one.map((mark, partition) => {
    const rival = other[partition];
    return rival !== undefined && isAfter(rival, mark) ? rival : mark;
  });
}

/** Whether a place has everything that another one has. */
export function includes(place: Place, other: Place): boolean {
  return place.every((mark, partition) => {
    const rival = other[partition];
    return rival === undefined || !isAfter(rival, mark);
  });
}

export function isAfter(one: Mark, other: Mark): boolean {
  return Number(one.position) > Number(other.position);
}

export function witnessOf(id: string, version: number, recordedAt: Date): Witness {
  return `${id} ${version} ${recordedAt.getTime()}`;
}

/** `witnessOf` as an SQL expression about a row of the history. */
export function witnessExpression({ owner }: MachineTables, alias: string): string {
  return `concat_ws(' ', ${alias}.${owner.name}, ${alias}.version, (extract(epoch FROM ${alias}.recorded_at) * 1000)::bigint)`;
}

/** @param witness of the transition at the position; null for the beginning */
export function markAt(position: string, witness: Witness | null): Mark {
  const fingerprint =
    witness === null ? FINGERPRINT_OF_BEGINNING : hash('sha256', witness).slice(0, 16);
  return { position, fingerprint };
}
