/**
 * The names of a machine and its parts in GraphQL and in its descriptions. Knows no types.
 *
 * One machine of a server may be bare: it has short names, such as `Phase` and `census`. The names of every other
 * machine contain its own: `OrderPhase`, `orderCensus`.
 */
import type { AnyMachine } from '../machine';

export interface Names {
  /** In a sentence: `purchase order`, `purchase orders`, `a purchase order`. */
  readonly noun: string;
  readonly nouns: string;
  readonly aNoun: string;

  /** The interface of all phases: `Order`. */
  readonly machine: string;
  /** A field that holds one machine: `order`. */
  readonly field: string;
  /** The field for a page of machines: `orders`. */
  readonly fields: string;
  /** The field of a transition that holds the id of its machine: `orderId`. */
  readonly id: string;
  /** The subscription that follows one machine: `orderChanged`. */
  readonly changed: string;
  /** A type with the machine's name in front: `OrderEvent`, `OrderTransition`. */
  readonly own: (name: string) => string;
  /** A type: `Phase` for a bare machine, else `OrderPhase`. */
  readonly type: (name: string) => string;
  /** A field of a root type: `census` for a bare machine, else `orderCensus`. */
  readonly root: (name: string) => string;
  /** The mutation of an event: `cancel` for a bare machine, else `cancelOrder`. */
  readonly mutation: (verb: string) => string;
  /** The result of an event's mutation: `CancellationResult` for a bare machine, else `OrderCancellationResult`. */
  readonly result: (event: string) => string;
  /** `IllegalTransition` for a bare machine, else `IllegalOrderTransition`. */
  readonly illegal: string;
  /** The error code for an unknown id: `ORDER_NOT_FOUND`. */
  readonly notFoundCode: string;
  /**
   * The word that marks a kind of cursor. A bare machine's has no prefix, because clients keep cursors of that form.
   */
  readonly cursor: (kind: 'feed' | 'version') => string;
}

export function namesOf({ name, plural, bare }: AnyMachine): Names {
  const field = uncapitalized(name);
  const noun = words(name);
  return {
    noun,
    nouns: words(plural),
    aNoun: `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`,
    machine: name,
    field,
    fields: plural,
    id: `${field}Id`,
    changed: `${field}Changed`,
    own: (type) => name + type,
    type: (type) => (bare ? type : name + type),
    root: (root) => (bare ? root : field + capitalized(root)),
    mutation: (verb) => (bare ? verb : verb + name),
    result: (event) => `${bare ? '' : name}${event}Result`,
    illegal: `Illegal${bare ? '' : name}Transition`,
    notFoundCode: `${constant(name)}_NOT_FOUND`,
    cursor: (kind) => (bare ? kind : `${field}/${kind}`),
  };
}

/** `PurchaseOrder` in a sentence: purchase order. */
export function words(name: string): string {
  return split(name, ' ').toLowerCase();
}

/** `InTransit` as an enum value: IN_TRANSIT. */
export function constant(name: string): string {
  return split(name, '_').toUpperCase();
}

export function uncapitalized(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

export function capitalized(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function split(name: string, separator: string): string {
  return name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, separator);
}
