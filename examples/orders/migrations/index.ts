/** All migrations, oldest first. `npm run migration:generate` writes this list from the files beside it. */
import { Orders1795847757057 } from './1795847757057-Orders';

export const MIGRATIONS = [Orders1795847757057] as const;
