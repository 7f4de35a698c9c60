/** The embedded PostgreSQL: all that other folders may use of this one. */
export { EmbeddedPostgresError, systemErrorName } from './errors';
export { findRunningPostgres } from './findRunningPostgres';
export { prepareRemoval, type Removal } from './removal';
export {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from './startEmbeddedPostgres';
