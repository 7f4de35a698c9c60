/**
 * Checks a declaration at run time: the rules that types cannot express, and those of `rules.ts` once more, because a
 * declaration may be built without the compiler.
 */
import type { Declaration } from '../declaration';
import { columnFaults } from './columns';
import { eventFaults } from './events';
import { CAMEL_CASE, PASCAL_CASE, saysFaults } from './names';
import { refusalFaults } from './refusals';
import { stateFaults } from './states';

/**
 * @param plural the plural of the name, in camel case
 * @throws TypeError with one sentence for each fault, which names the place and the rule
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
  if (!PASCAL_CASE.test(name)) yield 'its name must be written like PurchaseOrder';
  if (!CAMEL_CASE.test(plural)) yield `its plural, ${plural}, must be written like purchaseOrders`;
  // The queries for one machine and for a page of machines need different names.
  if (plural.toLowerCase() === name.toLowerCase()) yield 'its plural must differ from its name';
}
