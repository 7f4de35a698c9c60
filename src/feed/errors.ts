/** What a subscription can fail with, beside the database's own failures. */

/** The subscriber stayed away for too long; it can come back with its last cursor. */
export class Lagged extends Error {
  override readonly name = 'Lagged';
}

/** A position that the feed has not reached yet. */
export class BeyondEnd extends Error {
  override readonly name = 'BeyondEnd';
}
