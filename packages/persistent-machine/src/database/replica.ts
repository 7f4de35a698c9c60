/**
 * Proves that a database is a streaming replica of the primary, and not of one that only looks like it. It does not
 * know what is in the tables that it compares.
 */
import type { Reader, Statement } from './Database';

/** The database is not a replica of the primary, or cannot be proved to be one. */
export class NotAReplica extends Error {
  override readonly name = 'NotAReplica';
}

export interface ReplicaProof {
  /** The quoted name of a table. */
  readonly table: string;
  /** Reads the latest row, which no other row in any database equals. */
  readonly latest: Statement;
  /** Takes the values of a row of `latest` as parameters, and reads that row again. */
  readonly again: Statement;
}

interface Identity {
  readonly isStandby: boolean;
  readonly name: string;
  readonly oid: string;
  readonly tableOid: string | null;
  /** Whether the role may read the system identifier, which initdb gives a cluster, and its replicas share. */
  readonly maySeeSystem: boolean;
}

const IDENTITY: Statement = {
  name: 'identity',
  text: `
SELECT pg_is_in_recovery() AS "isStandby", datname::text AS name, oid::text AS oid,
       to_regclass($1)::oid::text AS "tableOid",
       has_function_privilege('pg_control_system()', 'EXECUTE') AS "maySeeSystem"
FROM pg_database WHERE datname = current_database()`,
};

const SYSTEM: Statement = {
  name: 'system',
  text: 'SELECT system_identifier::text AS system FROM pg_control_system()',
};

/**
 * @param proofs at least one
 * @throws NotAReplica, and the errors of both readers
 */
export async function proveReplica(
  replica: Reader,
  primary: Reader,
  proofs: readonly ReplicaProof[],
): Promise<void> {
  const table = proofs[0]?.table;
  const [copy] = await replica.run<Identity>(IDENTITY, [table]);
  if (copy?.isStandby !== true) {
    throw new NotAReplica('DATABASE_REPLICA_URL names a database that is not a standby');
  }
  const [original] = await primary.run<Identity>(IDENTITY, [table]);
  if (copy.tableOid === null) throw new NotAReplica('it does not have the tables yet');
  const isOther =
    copy.name !== original?.name ||
    copy.oid !== original.oid ||
    copy.tableOid !== original.tableOid ||
    !(copy.maySeeSystem && original.maySeeSystem
      ? await haveSameSystem(replica, primary)
      : await haveSameRow(replica, primary, proofs));
  if (isOther) {
    throw new NotAReplica('DATABASE_REPLICA_URL names a replica of another database');
  }
}

async function haveSameSystem(replica: Reader, primary: Reader): Promise<boolean> {
  const systemOf = async (reader: Reader): Promise<{ system: string }[]> => reader.run(SYSTEM, []);
  const [[copy], [original]] = await Promise.all([systemOf(replica), systemOf(primary)]);
  return copy !== undefined && copy.system === original?.system;
}

/** Compares the latest row of the first table that has one. */
async function haveSameRow(
  replica: Reader,
  primary: Reader,
  proofs: readonly ReplicaProof[],
): Promise<boolean> {
  for (const { latest, again } of proofs) {
    const [copy] = await replica.run(latest, []);
    if (copy === undefined) continue;
    const [original] = await primary.run(again, Object.values(copy));
    return JSON.stringify(copy) === JSON.stringify(original);
  }
  throw new NotAReplica(
    'it cannot be recognized while its tables are empty: GRANT EXECUTE ON FUNCTION pg_control_system() to the role, ' +
      'or wait until they have a row',
  );
}
