/** The machines of this application. It has no handwritten resolvers. */
import type { KeptMachine } from 'persistent-machine/application';
import { entitiesOf } from 'persistent-machine/integrity';
import { Order } from './entities/Order';
import { orders } from './machine/order';

export const MACHINES = [
  { lifecycle: orders, entities: entitiesOf(Order) },
] as const satisfies readonly KeptMachine[];
