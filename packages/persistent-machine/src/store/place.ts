/** Proves that a place in the feed still exists: the cursor names the very transitions that are at its positions. */
import {
  type Claim,
  type ClaimedPlace,
  type Mark,
  type Place,
  type Witness,
  fingerprintOf,
  isPlace,
  markAt,
} from '../operations/place';

/** The database was set back: it no longer has the history to which a place belongs. */
export class FeedRewound extends Error {
  override readonly name = 'FeedRewound';
}

/** The feed has not reached the position of a place without a fingerprint. */
export class BeyondEnd extends Error {
  override readonly name = 'BeyondEnd';

  /** @param argument of the reading that gave the place */
  constructor(
    { positions }: ClaimedPlace,
    readonly argument: 'after' | 'before',
  ) {
    super(`The feed has not reached position ${positions.join()}.`);
  }
}

/**
 * @param partitions how many the database has
 * @throws FeedRewound if the cursor is from a database with another number of partitions
 */
export function checkPartitions(claim: Claim, partitions: number): void {
  const isForeign = isPlace(claim)
    ? claim.positions.length !== partitions
    : claim.partition >= partitions;
  if (isForeign) throw new FeedRewound(`This feed has ${partitions} partitions.`);
}

/**
 * What a place claims, for another proof.
 *
 * @param partition of the transition that the place is right after
 */
export function claimOf(place: Place, partition = 0): ClaimedPlace {
  const positions = place.map(({ position }) => position);
  return { positions, fingerprint: fingerprintOf(place), partition };
}

/**
 * @param witnesses of the transitions that are now at the place's positions, by partition; null where there is none
 * @throws FeedRewound or BeyondEnd if the place does not exist
 */
export function prove(
  claim: ClaimedPlace,
  witnesses: readonly (Witness | null)[],
  argument: 'after' | 'before' = 'after',
): Place {
  const { positions, fingerprint } = claim;
  const place = positions.map((position, partition): Mark | null => {
    const witness = witnesses[partition] ?? null;
    return witness === null && position !== '0' ? null : markAt(position, witness);
  });
  const found = place.filter((mark) => mark !== null);
  if (fingerprint === null) {
    if (found.length < place.length) throw new BeyondEnd(claim, argument);
  } else if (found.length < place.length || fingerprintOf(found) !== fingerprint) {
    throw new FeedRewound(
      `The transition at position ${positions.join()} does not exist any more.`,
    );
  }
  return found;
}
