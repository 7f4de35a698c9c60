/**
 * Cursors: places in an order, written as opaque strings. Every cursor names its machine and kind of connection, so
 * that another connection refuses it instead of misreading it. Does not know how pages are read.
 */
import type { MachinePhase } from '../machine';
import type { Key } from '../operations/page';
import { type Claim, type MarkIn, type Place, fingerprintOf } from '../operations/place';
import { BadUserInput } from './errors';
import type { Names } from './names';
import { isUuid } from './uuid';

/** @typeParam At the place that a cursor stands for, as the store takes it */
export interface CursorCodec<Node, At = Key> {
  /** The cursor of a node. */
  readonly of: (node: Node) => string;
  /**
   * @param argument the name of the argument that the cursor was given as
   * @throws BadUserInput if it is not a cursor of this kind
   */
  readonly parse: (cursor: string, argument: string) => At;
}

/** @param isKey whether the strings are a key of this kind that PostgreSQL will accept */
function codec<Node>(
  kind: string,
  keyOf: (node: Node) => Key,
  isKey: (key: Key) => boolean,
): CursorCodec<Node> {
  const encode = (key: Key): string => Buffer.from([kind, ...key].join(' ')).toString('base64url');
  return {
    of: (node) => encode(keyOf(node)),
    parse: (cursor, argument) => {
      const [found, ...key] = Buffer.from(cursor, 'base64url').toString().split(' ');
      // Node decodes leniently, so a cursor must encode to the same string again.
      if (found !== kind || !isKey(key) || encode(key) !== cursor) {
        throw new BadUserInput([
          { path: argument, message: 'is not a cursor of this connection.' },
        ]);
      }
      return key;
    },
  };
}

/** The codecs of one machine's cursors. */
export interface Cursors {
  /** In the list of machines, for every order and filter: when the machine began, and its id. */
  readonly machine: CursorCodec<MachinePhase>;
  readonly feed: CursorCodec<InFeed, Claim>;
  /** In one machine's history: the version. */
  readonly version: CursorCodec<{ readonly phase: MachinePhase }>;
}

/**
 * A cursor in the feed has the position in each partition, one fingerprint of the transitions there, and the partition
 * of its own transition, if there are several. Each position after the first is written as the difference to the one
 * before, which is shorter. The form has a number, because clients keep cursors longer than we keep a form. The oldest
 * form has no number: it is a bare position.
 */
const FEED_FORM = '2';

/**
 * The cursor of a transition that was not read from the feed, if there are several partitions: its partition, and its
 * position there.
 */
const LONE_FORM = '3';

/** A transition, with the place after it if it was read from the feed. */
interface InFeed extends MarkIn {
  readonly place: Place | undefined;
}

export function cursorsOf({ field, cursor }: Names): Cursors {
  const feedKeys = codec<InFeed>(cursor('feed'), feedKeyOf, (key) => claimOf(key) !== undefined);
  return {
    machine: codec(
      field,
      ({ state }) => [state.createdAt.toISOString(), state.id],
      ([createdAt = '', id = '', ...rest]) =>
        isMoment(createdAt) && isUuid(id) && id === id.toLowerCase() && rest.length === 0,
    ),
    feed: {
      of: feedKeys.of,
      parse: (text, argument) => {
        const claim = claimOf(feedKeys.parse(text, argument));
        // `parse` accepts only keys that have a claim.
        if (claim === undefined) throw new TypeError(`The key of ${text} has no claim.`);
        return claim;
      },
    },
    version: codec(
      cursor('version'),
      ({ phase }) => [String(phase.state.version)],
      (key) => /^(0|[1-9]\d{0,8})$/.test(key.join()),
    ),
  };
}

function feedKeyOf({ place, partition, position, fingerprint }: InFeed): Key {
  if (place === undefined) return [LONE_FORM, fingerprint, String(partition), position];
  const positions = place.map((mark) => mark.position);
  const key = [FEED_FORM, fingerprintOf(place), differencesOf(positions)];
  return place.length === 1 ? key : [...key, String(partition)];
}

/** @returns undefined if the strings are not a key of the feed that PostgreSQL will accept */
function claimOf([form = '', fingerprint, ...rest]: Key): Claim | undefined {
  if (fingerprint === undefined) {
    return isPosition(form) ? { positions: [form], fingerprint: null, partition: 0 } : undefined;
  }
  if (!/^[0-9a-f]{16}$/.test(fingerprint)) return undefined;
  const [first = '', second = '', ...others] = rest;
  if (others.length > 0) return undefined;
  if (form === LONE_FORM) {
    return isPartition(first) && isPosition(second)
      ? { partition: Number(first), position: second, fingerprint }
      : undefined;
  }
  const positions = form === FEED_FORM ? positionsOf(first) : undefined;
  if (positions === undefined) return undefined;
  if (positions.length === 1) {
    return rest.length === 1 ? { positions, fingerprint, partition: 0 } : undefined;
  }
  return isPartition(second) && Number(second) < positions.length
    ? { positions, fingerprint, partition: Number(second) }
    : undefined;
}

function isMoment(text: string): boolean {
  const date = new Date(text);
  return /^(?!0000)\d{4}-/.test(text) && !isNaN(date.getTime()) && date.toISOString() === text;
}

function isPosition(text: string): boolean {
  return /^(0|[1-9]\d{0,17})$/.test(text);
}

function isPartition(text: string): boolean {
  return /^(0|[1-9]\d?)$/.test(text);
}

function differencesOf(positions: readonly string[]): string {
  return positions
    .map((position, index) => BigInt(position) - BigInt(positions[index - 1] ?? '0'))
    .join(',');
}

/** @returns undefined if the differences do not add up to positions */
function positionsOf(text: string): string[] | undefined {
  const differences = text.split(',');
  if (!differences.every((each) => /^(0|-?[1-9]\d{0,17})$/.test(each))) return undefined;
  let position = 0n;
  const positions = differences.map((each) => String((position += BigInt(each))));
  return positions.every(isPosition) ? positions : undefined;
}
