/**
 * Cursors: places in an order, written as opaque strings. Each kind of connection of each machine has its own, so that
 * a cursor of one is refused by another instead of meaning something else there.
 */
import type { MachinePhase } from '../machine';
import type { Key } from '../operations/page';
import type { Place } from '../operations/place';
import { FeedRewound } from '../store/place';
import { BadUserInput } from './errors';
import type { Names } from './names';
import { isUuid } from './uuid';

/** @typeParam At what a cursor names, as the store takes it */
export interface CursorCodec<Node, At = Key> {
  /** The cursor of a node. */
  readonly of: (node: Node) => string;
  /**
   * @param argument the name of the argument that the cursor was given as
   * @throws BadUserInput where it is no cursor of this kind
   */
  readonly parse: (cursor: string, argument: string) => At;
}

/** @param isKey whether texts are a key of this kind, which the database will take without complaint */
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
      // Node decodes leniently; only what we could have written ourselves is a cursor.
      if (found !== kind || !isKey(key) || encode(key) !== cursor) {
        throw new BadUserInput([
          { path: argument, message: 'is not a cursor of this connection.' },
        ]);
      }
      return key;
    },
  };
}

/** What one machine's cursors are. Of another machine each is refused. */
export interface Cursors {
  /** In the list of machines, whatever its order and filter: when the machine began, and its id. */
  readonly machine: CursorCodec<MachinePhase>;
  readonly feed: CursorCodec<Place, Place>;
  /** In one machine's history: the version. */
  readonly version: CursorCodec<{ readonly phase: MachinePhase }>;
}

/**
 * In the feed: how far each of its partitions has come, and one fingerprint of the transitions there. There is one
 * partition as yet. Of several, each position after the first is the difference to the one before it, which is
 * shorter. The form has a number, since clients keep cursors for longer than we keep a form: the one without a number
 * is a bare position.
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
        // Of a database with another number of partitions, from which this one was imported.
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

/** Whether differences add up to positions. */
function arePositions(text: string): boolean {
  const differences = text.split(',');
  if (!differences.every((each) => /^(0|-?[1-9]\d{0,17})$/.test(each))) return false;
  let position = 0n;
  return differences.every((each) => {
    position += BigInt(each);
    return isPosition(String(position));
  });
}
