/** What the reference application serves: its machines, its playground and its dashboard. Does not know the server. */
import { join } from 'node:path';
import type { Served } from 'persistent-machine/application';
import { createDataSource } from '../ormconfig';
import { MACHINES } from './machines';

/** The compiled file is in `dist/src`. */
const DIST = join(__dirname, __dirname.endsWith(join('dist', 'src')) ? '..' : '../dist');

export const served: Served = {
  machines: MACHINES,
  createDataSource,
  playground: join(__dirname, 'playground.graphql'),
  // `web/src/App.tsx` has the same paths.
  dashboard: { folder: join(DIST, 'web'), views: ['/', '/lives', '/lives/:id', '/feed'] },
};
