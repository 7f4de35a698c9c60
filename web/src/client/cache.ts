/**
 * The cache of lives. Owns that a life is one object whatever its phase, and that it never grows younger; does
 * not know how lives are asked for.
 */
import { type Cache, InMemoryCache, type Reference } from '@apollo/client/cache';
import type { OperationVariables } from '@apollo/client';
import { type LifeFactsFragment, LifeFactsFragmentDoc } from '../graphql/graphql';
import fragments from '../graphql/possibleTypes';

const LIFE_TYPES = new Set(fragments.possibleTypes['Life']);

/**
 * Answers overtake one another, and a replayed mutation answers the life as it was. So whatever is written, an
 * older version of a life is replaced by the newest that is known: all of it, since every operation asks for
 * the same `LifeFacts`.
 */
export class LifeCache extends InMemoryCache {
  constructor() {
    super({
      possibleTypes: fragments.possibleTypes,
      typePolicies: {
        // By its id alone: the name of a life's type changes with its phase.
        // An ID is a string in every answer.
        Life: { keyFields: ({ id }) => `Life:${id as string}` },
        // Values, without an identity. The newest is the right one.
        Census: { merge: false },
      },
    });
  }

  override write<Data = unknown, Variables extends OperationVariables = OperationVariables>(
    options: Cache.WriteOptions<Data, Variables>,
  ): Reference | undefined {
    // The same shape, in which lives have been replaced by lives.
    const result = this.#withNewestLives(options.result) as Data;
    return super.write({ ...options, result });
  }

  /** @returns the newest that is known of a life, if all of it is */
  newest(id: string): LifeFactsFragment | null {
    return this.readFragment({ id: `Life:${id}`, fragment: LifeFactsFragmentDoc });
  }

  #withNewestLives(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => this.#withNewestLives(each));
    if (typeof value !== 'object' || value === null) return value;
    const copy = Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, this.#withNewestLives(each)]),
    );
    if (!isLife(copy)) return copy;
    const known = this.newest(copy.id);
    return known && known.version > copy.version ? { ...copy, ...known } : copy;
  }
}

function isLife(value: object): value is Pick<LifeFactsFragment, 'id' | 'version'> {
  return (
    '__typename' in value &&
    LIFE_TYPES.has(String(value.__typename)) &&
    'version' in value &&
    'id' in value
  );
}
