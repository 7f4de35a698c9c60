/** Proves that a place in the feed still exists: the transition at its position is the one that it names. */
import { type Place, type Witness, fingerprintOf } from '../operations/place';

/** The database was set back: it no longer has the history to which a place belongs. */
export class FeedRewound extends Error {
  override readonly name = 'FeedRewound';
}

/** The feed has not reached the position of a place without a fingerprint. */
export class BeyondEnd extends Error {
  override readonly name = 'BeyondEnd';

  /** @param argument of the reading that gave the place */
  constructor(
    { position }: Place,
    readonly argument: 'after' | 'before',
  ) {
    super(`The feed has not reached position ${position}.`);
  }
}

/**
 * @param witness of the transition that is now at the place's position; null if there is none
 * @returns the place, with its fingerprint
 * @throws FeedRewound or BeyondEnd if the place does not exist
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
    throw new FeedRewound(`The transition at position ${place.position} does not exist any more.`);
  }
  return { position: place.position, fingerprint };
}
