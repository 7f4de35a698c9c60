/** How names are written. Names of these forms have only one translation into snake case. */

/** `PurchaseOrder`: machines, states, events. */
export const PASCAL_CASE = /^[A-Z][a-z0-9]*(?:[A-Z][a-z0-9]+)*$/;

/** `paidCents`: columns, verbs, data. */
export const CAMEL_CASE = /^[a-z][a-z0-9]*(?:[A-Z][a-z0-9]+)*[A-Z]?$/;

/** Whether every object has a property of this name. */
export function isOnEveryObject(name: string): boolean {
  return name in Object.prototype;
}

export function* saysFaults(place: string, { says }: { readonly says: string }): Iterable<string> {
  if (says.trim() === '')
    yield `${place} says nothing: the readers of the schema see this sentence`;
}

/** The names that a list has more than once. */
export function repeated(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
