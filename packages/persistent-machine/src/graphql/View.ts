/**
 * Objects of GraphQL types, as views: a view holds the thing that it shows, and nothing else. A field is computed from
 * that thing when a document selects it, so a field that no document selects costs nothing. Does not know type-graphql,
 * which learns of views in `types.ts`.
 */

/** The property that holds what a view shows. A symbol, because a field may have any name. */
export const SHOWN: unique symbol = Symbol('shown');

export abstract class View<T> {
  readonly [SHOWN]: T;

  constructor(shown: T) {
    this[SHOWN] = shown;
  }
}

export type ViewClass<T> = new (shown: T) => View<T>;
/** The class of an interface. Its views are instances of the types that implement it. */
export type AbstractViewClass<T> = abstract new (shown: T) => View<T>;
