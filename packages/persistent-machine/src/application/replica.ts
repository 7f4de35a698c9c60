/** Where pages are read that may be stale: from the replica, if the configuration names one. Knows no machine. */
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
 * @param proofs by each of which it can be told whether the replica is one of the primary
 * @returns the primary itself where there is no replica
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
  // Each half as long as the primary's, which may be asked after it and in the same request's time.
  const patience = Math.ceil(statementTimeoutOf(configuration) / 2);
  const pool = createPool({
    url,
    poolSize: databasePoolSize,
    connectTimeout: patience,
    statementTimeout: preparedStatements ? patience : undefined,
  });
  parts.add(async () => {
    // Not waited for: a replica may hang, and nothing of ours is left there.
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
