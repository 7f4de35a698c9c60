/**
 * Objects of GraphQL types, as views: a view has the thing that it shows, and nothing else. What a field answers is read
 * off that thing when it is asked for, so that making a view costs the same whatever its type has, and a field that
 * no document selects costs nothing. Does not know type-graphql, which is told of views in `types.ts`.
 */

/** Where a view has what it shows. A symbol, since a field may have any name. */
export const SHOWN: unique symbol = Symbol('shown');

export abstract class View<T> {
  readonly [SHOWN]: T;

  constructor(shown: T) {
    this[SHOWN] = shown;
  }
}

export type ViewClass<T> = new (shown: T) => View<T>;
/** Of an interface: its views are of the types that implement it. */
export type AbstractViewClass<T> = abstract new (shown: T) => View<T>;
