/**
 * The cache of lives. Owns that a life is one object whatever its phase, and that it never grows younger; does
 * not know how lives are asked for, nor which types they have.
 */
import { type Cache, InMemoryCache, type Reference } from '@apollo/client/cache';
import type { OperationVariables, TypedDocumentNode } from '@apollo/client';

/** What a life has whatever machine it is of. */
interface Versioned {
  readonly id: string;
  readonly version: number;
}

/** Asks for all facts of a life, as fields of the life itself. */
type FactsDocument = TypedDocumentNode<Versioned, Record<string, never>>;

/**
 * Answers overtake one another, and a replayed mutation answers the life as it was. So whatever is written, an
 * older version of a life is replaced by the newest that is known: all of it, since every operation asks for
 * the same facts.
 *
 * An object's key is its id alone, which is unique among all nodes: the name of a life's type changes with its
 * phase. So no document that is written here may ask by type: the cache does not know which types are lives.
 */
export class LifeCache extends InMemoryCache {
  readonly #facts: FactsDocument;

  constructor(facts: FactsDocument) {
    // An ID is a string in every answer.
    super({ dataIdFromObject: ({ id }) => id as string | undefined });
    this.#facts = facts;
  }

  override write<Data = unknown, Variables extends OperationVariables = OperationVariables>(
    options: Cache.WriteOptions<Data, Variables>,
  ): Reference | undefined {
    // The same shape, in which lives have been replaced by lives.
    const result = this.#withNewestLives(options.result) as Data;
    return super.write({ ...options, result });
  }

  /** @returns the newest that is known of a life, if all of it is */
  newest(id: string): Versioned | null {
    return this.readQuery({ id, query: this.#facts });
  }

  /** Keeps a life that no query of this cache has answered. */
  keep(life: Versioned): void {
    this.writeQuery({ id: life.id, query: this.#facts, data: life });
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

/** A transition has a version, too, but no id. */
function isLife(value: object): value is Versioned {
  return 'id' in value && 'version' in value;
}
