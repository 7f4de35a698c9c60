/** All migrations, the oldest first. Written by `npm run migration:generate`, of the files beside it. */
import { Orders1795829265156 } from './1795829265156-Orders';

export const MIGRATIONS = [Orders1795829265156] as const;
