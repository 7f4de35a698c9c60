/**
 * Cursors: places in an order, written as opaque strings. Each kind of connection has its own, so that a
 * cursor of one is refused by another instead of meaning something else there.
 */
import type { Phase } from '../machine';
import type { Transition } from '../store/MachineArchive';
import type { Key } from '../store/pages';
import { BadUserInput } from './errors';
import { isUuid } from './uuid';

export interface CursorCodec<Node> {
  /** The cursor of a node. */
  readonly of: (node: Node) => string;
  /**
   * @param argument the name of the argument that the cursor was given as
   * @throws BadUserInput where it is no cursor of this kind
   */
  readonly parse: (cursor: string, argument: string) => Key;
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

/** In `lives`, whatever its order and filter: the life's age and id. */
export const lifeCursor = codec<Phase>(
  'life',
  ({ state }) => [state.createdAt.toISOString(), state.id],
  ([createdAt = '', id = '', ...rest]) =>
    isMoment(createdAt) && isUuid(id) && id === id.toLowerCase() && rest.length === 0,
);

/** In the feed: the transition's position. */
export const feedCursor = codec<Pick<Transition<Phase>, 'position'>>(
  'feed',
  ({ position }) => [position],
  (key) => /^(0|[1-9]\d{0,17})$/.test(key.join()),
);

/** In one life's history: the version. */
export const historyCursor = codec<Transition<Phase>>(
  'version',
  ({ phase }) => [String(phase.state.version)],
  (key) => /^(0|[1-9]\d{0,8})$/.test(key.join()),
);

function isMoment(text: string): boolean {
  const date = new Date(text);
  return /^(?!0000)\d{4}-/.test(text) && !isNaN(date.getTime()) && date.toISOString() === text;
}
