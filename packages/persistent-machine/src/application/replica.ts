/** Makes the reader of pages that may be stale: it uses the replica, if one is configured. Knows no machine. */
import type { FastifyBaseLogger } from 'fastify';
import type { Configuration } from '../config';
import { Database, type Reader } from '../database/Database';
import { ReplicaFirst } from '../database/ReplicaFirst';
import { reasonOf } from '../database/awaitDatabase';
import { createPool } from '../database/dataSource';
import { type ReplicaProof, proveReplica } from '../database/replica';
import { statementTimeoutOf } from './database';
import type { Parts } from './Parts';

/**
 * @param proofs each can prove that the replica follows this primary
 * @returns the primary itself if no replica is configured
 */
export function readerOfPages(
  primary: Database,
  proofs: readonly ReplicaProof[],
  configuration: Configuration,
  log: FastifyBaseLogger,
  parts: Parts,
): Reader {
  const { databaseReplicaUrl: url, databasePoolSize, preparedStatements } = configuration;
  if (url === undefined) return primary;
  // Half of the primary's limits, because a request may have to ask the primary afterwards.
  const patience = Math.ceil(statementTimeoutOf(configuration) / 2);
  const pool = createPool({
    url,
    poolSize: databasePoolSize,
    connectTimeout: patience,
    statementTimeout: preparedStatements ? patience : undefined,
  });
  parts.add(async () => {
    // Not awaited, because a replica may hang. Reads leave nothing to lose.
    void pool.end();
    return Promise.resolve();
  });
  const replica = new Database(pool, { preparedStatements, statementTimeout: patience * 1.2 });
  return new ReplicaFirst(replica, primary, {
    prove: async () => proveReplica(replica, primary, proofs),
    onTrouble: (error) => {
      const cause = error instanceof Error && error.cause ? ` (${reasonOf(error.cause)})` : '';
      log.warn(
        `The replica is not used, and its reads go to the primary: ${reasonOf(error)}${cause}`,
      );
    },
  });
}
