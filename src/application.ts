/** The reference application: what it serves, put together. Does not know how that is served. */
import { join } from 'node:path';
import type { Served } from 'persistent-machine/application';
import { createDataSource } from '../ormconfig';
import { MACHINES } from './machines';

/** Compiled, this file is in `dist/src`. */
const DIST = join(__dirname, __dirname.endsWith(join('dist', 'src')) ? '..' : '../dist');

export const served: Served = {
  machines: MACHINES,
  createDataSource,
  playground: join(__dirname, 'playground.graphql'),
  // The addresses are those of `web/src/App.tsx`.
  dashboard: { folder: join(DIST, 'web'), views: ['/', '/lives', '/lives/:id', '/feed'] },
};
