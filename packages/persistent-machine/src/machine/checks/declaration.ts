/**
 * What a declaration must not say, when it is made: the rules that no type can say, and those of `rules.ts` once more,
 * for a declaration that was put together at run time.
 */
import type { Declaration } from '../declaration';
import { columnFaults } from './columns';
import { eventFaults } from './events';
import { CAMEL_CASE, PASCAL_CASE, saysFaults } from './names';
import { refusalFaults } from './refusals';
import { stateFaults } from './states';

/**
 * @param plural what many of the machine are called
 * @throws TypeError with a sentence for each fault, which names its place and the rule
 */
export function checkDeclaration(name: string, plural: string, declaration: Declaration): void {
  const faults = [
    ...machineFaults(name, plural),
    ...saysFaults('the machine', declaration),
    ...columnFaults(name, declaration),
    ...eventFaults(declaration),
    ...refusalFaults(declaration),
    ...stateFaults(declaration),
  ];
  if (faults.length > 0) throw new TypeError(faults.map((why) => `${name}: ${why}.`).join('\n'));
}

function* machineFaults(name: string, plural: string): Iterable<string> {
  if (!PASCAL_CASE.test(name)) yield 'the name of a machine is written like PurchaseOrder';
  if (!CAMEL_CASE.test(plural)) yield `its plural, ${plural}, must be written like purchaseOrders`;
  // One of them and many of them are two queries.
  if (plural.toLowerCase() === name.toLowerCase()) yield 'its plural must differ from its name';
}
