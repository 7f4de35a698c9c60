/** All migrations, the oldest first. Written by `npm run migration:generate`, of the files beside it. */
import { Orders1795828601516 } from './1795828601516-Orders';

export const MIGRATIONS = [Orders1795828601516] as const;
