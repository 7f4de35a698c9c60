/** Pairs the parts of two descriptions by their names. */

/** A part as it is in the first description, and in the second; undefined where it is missing. */
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

/** Whether the two differ. Descriptions are plain data, so JSON compares them. */
export function isChanged({ was, is }: Pair<unknown>): boolean {
  return JSON.stringify(was) !== JSON.stringify(is);
}
