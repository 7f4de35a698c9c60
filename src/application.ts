/** The reference application: what it serves, put together. Does not know how that is served. */
import { join } from 'node:path';
import type { Served } from 'persistent-machine/application';
import { createDataSource } from '../ormconfig';
import { Ledger, Life, LifeTransition } from './entities';
import { lives } from './machine';
import { RESOLVERS } from './resolvers';

/** Compiled, this file is in `dist/src`. */
const DIST = join(__dirname, __dirname.endsWith(join('dist', 'src')) ? '..' : '../dist');

export const served: Served<typeof lives> = {
  lifecycle: lives,
  entities: { record: Life, history: LifeTransition, ledger: Ledger },
  createDataSource,
  resolvers: RESOLVERS,
  // The addresses are those of `web/src/App.tsx`.
  dashboard: { folder: join(DIST, 'web'), views: ['/', '/lives', '/lives/:id'] },
};
