/**
 * The settings of every connection to a database, independent of the environment and of the role's own settings. It
 * does not know what is sent over a connection.
 */
import { Client, type ClientBase, type ClientConfig, type PoolConfig } from 'pg';
import { cutOff, forgetEnvironment } from '../internals';
import { APPLY_SETTINGS, STARTUP_OPTION } from './settings';
import { parseDatabaseUrl } from './url';

const APPLICATION_NAME = 'persistent-state-machine';

/** A client that ignores the environment's PG… variables. */
export class PlainClient extends Client {
  constructor(config: ClientConfig = {}) {
    super(config);
    forgetEnvironment(this, config, () => this.#refusePassword());
  }

  #refusePassword(): never {
    // The driver would leave the connection open, with PostgreSQL waiting for the password.
    setImmediate(() => {
      cutOff(this);
    });
    throw new Error('it asks for a password, but the URL has none');
  }
}

/**
 * @param url as for `parseDatabaseUrl`
 * @param purpose the application_name, unless the URL has one
 * @returns all settings that node-postgres would otherwise take from the environment
 * @throws BadDatabaseUrl
 */
export function clientSettings(url: string, purpose = APPLICATION_NAME): ClientConfig {
  const address = parseDatabaseUrl(url);
  return {
    user: address.user,
    password: address.password,
    host: address.host,
    port: address.port,
    database: address.database,
    // Node and PostgreSQL have the same names for versions of TLS, which our type has as strings.
    ssl: address.tls as ClientConfig['ssl'],
    sslnegotiation: address.directTls ? 'direct' : 'postgres',
    enableChannelBinding: address.channelBinding,
    options: address.options,
    application_name: address.applicationName ?? purpose,
    client_encoding: 'UTF8',
    keepAlive: true,
  };
}

export interface ConnectionLimits {
  /** How long to wait for a connection, in milliseconds. */
  readonly connectTimeout: number;
  /** After how many milliseconds PostgreSQL cancels a statement; undefined if a pooler lets no setting through. */
  readonly statementTimeout?: number | undefined;
}

/** The settings of a pool, without its size. */
export function poolSettings(
  url: string,
  { connectTimeout, statementTimeout }: ConnectionLimits,
): PoolConfig & { readonly Client: typeof PlainClient } {
  const settings = clientSettings(url);
  return {
    ...settings,
    Client: PlainClient,
    connectionTimeoutMillis: connectTimeout,
    ...(statementTimeout === undefined
      ? {}
      : {
          // It also bounds the wait for a lock, for example one that an open transaction of another session holds.
          statement_timeout: statementTimeout,
          idle_in_transaction_session_timeout: statementTimeout,
          options: `${settings.options ?? ''} ${STARTUP_OPTION}`.trim(),
        }),
    // The pool awaits the promise, although its types do not say so.
    // eslint-disable-next-line @typescript-eslint/no-misused-promises
    onConnect: async (client: ClientBase) => {
      // A connection that breaks rejects its statement. While idle it emits an error, which would end the process if
      // nothing listened.
      client.on('error', () => undefined);
      if (statementTimeout === undefined) return;
      await client.query({ text: APPLY_SETTINGS, query_timeout: connectTimeout } as {
        text: string;
      });
    },
  };
}
