/** The errors of a subscription, beside the failures of the database. */

export { FeedRewound } from '../store/place';

/** The subscriber went too long without asking. It can subscribe again after its last cursor. */
export class Lagged extends Error {
  override readonly name = 'Lagged';
}
