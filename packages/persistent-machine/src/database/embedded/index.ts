/** Owns what the rest of the application may use of the embedded PostgreSQL: this, and nothing else of the folder. */
export { EmbeddedPostgresError } from './errors';
export {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from './startEmbeddedPostgres';
