/** What a subscription can fail with, beside the database's own failures. */

export { FeedRewound } from '../store/place';

/** The subscriber stayed away for too long; it can come back with its last cursor. */
export class Lagged extends Error {
  override readonly name = 'Lagged';
}
