/** What this application serves: orders. All of their GraphQL is derived from the declaration. */
import { join } from 'node:path';
import type { Served } from 'persistent-machine/application';
import { createDataSource } from '../ormconfig';
import { orderEntities } from './entities/Order';
import { orders } from './machine/order';

export const served: Served = {
  machines: [{ lifecycle: orders, entities: orderEntities }],
  createDataSource,
  playground: join(__dirname, 'playground.graphql'),
};
