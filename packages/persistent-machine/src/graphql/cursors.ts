/**
 * Cursors: places in an order, written as opaque strings. Every cursor names its machine and kind of connection, so
 * that another connection refuses it instead of misreading it. Does not know how pages are read.
 */
import type { MachinePhase } from '../machine';
import type { Key } from '../operations/page';
import type { Place } from '../operations/place';
import { FeedRewound } from '../store/place';
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
  readonly feed: CursorCodec<Place, Place>;
  /** In one machine's history: the version. */
  readonly version: CursorCodec<{ readonly phase: MachinePhase }>;
}

/**
 * A cursor in the feed has the position in each partition, and one fingerprint of the transitions there. There is one
 * partition today. With several, each position after the first is written as the difference to the one before, which
 * is shorter. The form has a number, because clients keep cursors longer than we keep a form. The oldest form has no
 * number: it is a bare position.
 */
const FEED_FORM = '2';

export function cursorsOf({ field, cursor }: Names): Cursors {
  const feedKeys = codec<Key>(
    cursor('feed'),
    (key) => key,
    ([form = '', fingerprint = '', positions = '', ...rest]) =>
      form === FEED_FORM
        ? /^[0-9a-f]{16}$/.test(fingerprint) && arePositions(positions) && rest.length === 0
        : isPosition(form) && fingerprint === '',
  );
  return {
    machine: codec(
      field,
      ({ state }) => [state.createdAt.toISOString(), state.id],
      ([createdAt = '', id = '', ...rest]) =>
        isMoment(createdAt) && isUuid(id) && id === id.toLowerCase() && rest.length === 0,
    ),
    feed: {
      of: ({ position, fingerprint }) =>
        feedKeys.of(fingerprint === null ? [position] : [FEED_FORM, fingerprint, position]),
      parse: (text, argument) => {
        const [form = '', fingerprint, positions] = feedKeys.parse(text, argument);
        if (fingerprint === undefined || positions === undefined) {
          return { position: form, fingerprint: null };
        }
        // The client got this cursor from a database with another number of partitions.
        if (!isPosition(positions)) throw new FeedRewound('The feed has one partition.');
        return { position: positions, fingerprint };
      },
    },
    version: codec(
      cursor('version'),
      ({ phase }) => [String(phase.state.version)],
      (key) => /^(0|[1-9]\d{0,8})$/.test(key.join()),
    ),
  };
}

function isMoment(text: string): boolean {
  const date = new Date(text);
  return /^(?!0000)\d{4}-/.test(text) && !isNaN(date.getTime()) && date.toISOString() === text;
}

function isPosition(text: string): boolean {
  return /^(0|[1-9]\d{0,17})$/.test(text);
}

/** Whether the differences add up to positions. */
function arePositions(text: string): boolean {
  const differences = text.split(',');
  if (!differences.every((each) => /^(0|-?[1-9]\d{0,17})$/.test(each))) return false;
  let position = 0n;
  return differences.every((each) => {
    position += BigInt(each);
    return isPosition(String(position));
  });
}
