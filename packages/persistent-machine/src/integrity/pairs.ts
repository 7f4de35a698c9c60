/** Two descriptions side by side. */

/** A thing in both descriptions or in one; undefined where it is not. */
export interface Pair<Thing> {
  readonly name: string;
  readonly was: Thing | undefined;
  readonly is: Thing | undefined;
}

export function pairs<Thing>(
  from: ReadonlyMap<string, Thing>,
  to: ReadonlyMap<string, Thing>,
): Pair<Thing>[] {
  return [...new Set([...from.keys(), ...to.keys()])].map((name) => ({
    name,
    was: from.get(name),
    is: to.get(name),
  }));
}

/** What is described alike is alike: descriptions are plain data. */
export function isChanged({ was, is }: Pair<unknown>): boolean {
  return JSON.stringify(was) !== JSON.stringify(is);
}
