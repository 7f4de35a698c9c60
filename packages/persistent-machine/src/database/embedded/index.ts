/** The embedded PostgreSQL: all that other folders may use of this one. */
export { EmbeddedPostgresError } from './errors';
export {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from './startEmbeddedPostgres';
