/** Owns what the rest of the application may use of the embedded PostgreSQL: this, and nothing else of the folder. */
export { EmbeddedPostgresError, systemErrorName } from './errors';
export { findRunningPostgres } from './findRunningPostgres';
export { prepareRemoval, type Removal } from './removal';
export {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from './startEmbeddedPostgres';
