/** All migrations, oldest first. `npm run migration:generate` writes this list from the files beside it. */
import { Lives1764000000000 } from './1764000000000-Lives';
import { DeclaredIntegrity1795827642955 } from './1795827642955-DeclaredIntegrity';
import { Partitions1795847717600 } from './1795847717600-Partitions';

export const MIGRATIONS = [
  Lives1764000000000,
  DeclaredIntegrity1795827642955,
  Partitions1795847717600,
] as const;
