/** The proof that a place in the feed still is one: the transition there is the one that the place names. */
import { type Place, type Witness, fingerprintOf } from '../operations/place';

/** The history that a place belongs to is not the database's any more. */
export class FeedRewound extends Error {
  override readonly name = 'FeedRewound';
}

/** A position that the feed has not reached, of a place without a fingerprint. */
export class BeyondEnd extends Error {
  override readonly name = 'BeyondEnd';

  /** @param argument in which of a reading's arguments it was given */
  constructor(
    { position }: Place,
    readonly argument: 'after' | 'before',
  ) {
    super(`The feed has not reached position ${position}.`);
  }
}

/**
 * @param witness of the transition that is at the place now; null: there is none
 * @returns the place, with its fingerprint
 * @throws FeedRewound, BeyondEnd where it is not there
 */
export function prove(
  place: Place,
  witness: Witness | null,
  argument: 'after' | 'before' = 'after',
): Place & { readonly fingerprint: string } {
  const fingerprint = fingerprintOf(witness);
  const isBeginning = place.position === '0';
  if (place.fingerprint === null) {
    if (witness === null && !isBeginning) throw new BeyondEnd(place, argument);
  } else if (place.fingerprint !== fingerprint || (witness === null && !isBeginning)) {
    throw new FeedRewound(`The transition at position ${place.position} is not there any more.`);
  }
  return { position: place.position, fingerprint };
}
