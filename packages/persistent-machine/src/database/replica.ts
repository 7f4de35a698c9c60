/**
 * Whether a database is a streaming replica of another one: of that very database, and not of one that looks like
 * it. Is given tables that both have, and does not know what is in them.
 */
import type { Reader, Statement } from './Database';

/** The database is no replica of the primary, or cannot be shown to be one. */
export class NotAReplica extends Error {
  override readonly name = 'NotAReplica';
}

export interface ReplicaProof {
  /** One of the tables that are read, as SQL names it. */
  readonly table: string;
  /** Reads the latest of many rows, no two of which anywhere are alike. */
  readonly latest: Statement;
  /** Reads the same of the row that it is given, one that `latest` has read. */
  readonly again: Statement;
}

interface Identity {
  readonly isStandby: boolean;
  readonly name: string;
  readonly oid: string;
  readonly tableOid: string | null;
  /** Whether this role may ask for the number that a cluster has from its initdb, and its replicas share. */
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
 * @param proofs one at least
 * @throws NotAReplica, and what the two readers throw
 */
export async function proveReplica(
  replica: Reader,
  primary: Reader,
  proofs: readonly ReplicaProof[],
): Promise<void> {
  const table = proofs[0]?.table;
  const [copy] = await replica.run<Identity>(IDENTITY, [table]);
  if (copy?.isStandby !== true) {
    throw new NotAReplica('DATABASE_REPLICA_URL names a database that is no standby');
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

/** By the first of the tables in which the replica has a row. */
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
    'GRANT EXECUTE ON FUNCTION pg_control_system() to the role, or wait until there is something in it by which ' +
      'it can be recognized',
  );
}
