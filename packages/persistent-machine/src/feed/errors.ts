/** The errors of a subscription, beside the failures of the database. */

export { FeedRewound } from '../store/place';

/** The subscriber did not ask for too long. It can subscribe again after its last cursor. */
export class Lagged extends Error {
  override readonly name = 'Lagged';
}
