/** Creates the application's role and database in a running server. It knows no tables. */
import { PlainClient, clientSettings } from '../connections';

import { APPLICATION } from './cluster';

const CONNECTED_WITHIN_MILLISECONDS = 10_000;

/**
 * Creates the application's role and database if they are missing. After an interruption the next call completes them.
 *
 * @param superuserUrl how to connect as the superuser
 * @param password the password of a new role
 * @throws the errors of node-postgres
 */
export async function makeApplicationDatabase(
  superuserUrl: string,
  password: string,
): Promise<void> {
  const client = new PlainClient({
    ...clientSettings(superuserUrl),
    connectionTimeoutMillis: CONNECTED_WITHIN_MILLISECONDS,
  });
  await client.connect();
  try {
    const { rows } = await client.query<{ hasRole: boolean; hasDatabase: boolean }>(
      `select
         exists (select from pg_roles where rolname = $1) as "hasRole",
         exists (select from pg_database where datname = $1) as "hasDatabase"`,
      [APPLICATION],
    );
    const name = client.escapeIdentifier(APPLICATION);
    if (rows[0]?.hasRole !== true) {
      await client.query(`create role ${name} login password ${client.escapeLiteral(password)}`);
    }
    if (rows[0]?.hasDatabase !== true) {
      await client.query(`create database ${name} owner ${name}`);
    }
  } finally {
    await client.end();
  }
}
