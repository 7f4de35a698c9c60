/**
 * What a machine and its parts are called in GraphQL, and in its descriptions. Does not know what they are.
 *
 * One machine of a server may be bare: it takes the short names, `Phase` and `census`. Every other has its own name in
 * them, `OrderPhase` and `orderCensus`.
 */
import type { AnyMachine } from '../machine';

export interface Names {
  /** In a sentence: `purchase order`, `purchase orders`, `a purchase order`. */
  readonly noun: string;
  readonly nouns: string;
  readonly aNoun: string;

  /** The interface of all phases: `Order`. */
  readonly machine: string;
  /** The field for one of them, wherever there is one: `order`. */
  readonly field: string;
  /** The field for a page of them: `orders`. */
  readonly fields: string;
  /** The field of a transition that says whose it is: `orderId`. */
  readonly id: string;
  /** What follows one of them: `orderChanged`. */
  readonly changed: string;
  /** A type of this machine, as `Order` has it in front: `OrderEvent`, `OrderTransition`. */
  readonly own: (name: string) => string;
  /** A type that is bare for one machine: `Phase`, of another `OrderPhase`. */
  readonly type: (name: string) => string;
  /** A field of a root type that is bare for one machine: `census`, of another `orderCensus`. */
  readonly root: (name: string) => string;
  /** The mutation of an event: `cancel`, of another machine than the bare one `cancelOrder`. */
  readonly mutation: (verb: string) => string;
  /** What the mutation of an event answers: `CancellationResult`, of another machine `OrderCancellationResult`. */
  readonly result: (event: string) => string;
  /** `IllegalTransition`, of another machine `IllegalOrderTransition`. */
  readonly illegal: string;
  /** The code of the error that there is no such machine: `ORDER_NOT_FOUND`. */
  readonly notFoundCode: string;
  /** What a kind of cursors is called in cursors. The bare machine's are the words alone: clients keep such cursors. */
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

/** `PurchaseOrder` as a sentence has it: purchase order. */
export function words(name: string): string {
  return split(name, ' ').toLowerCase();
}

/** `InTransit` as GraphQL has it: IN_TRANSIT. */
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
