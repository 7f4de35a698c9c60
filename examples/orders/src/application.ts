/** What this application serves: its machines and its playground. Does not know the server. */
import { join } from 'node:path';
import type { Served } from 'persistent-machine/application';
import { createDataSource } from '../ormconfig';
import { MACHINES } from './machines';

export const served: Served = {
  machines: MACHINES,
  createDataSource,
  playground: join(__dirname, 'playground.graphql'),
};
