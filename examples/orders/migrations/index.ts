/** All migrations, oldest first. `npm run migration:generate` writes this list from the files beside it. */
import { Orders1795829265156 } from './1795829265156-Orders';

export const MIGRATIONS = [Orders1795829265156] as const;
