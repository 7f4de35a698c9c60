/**
 * Every connection to a database is made by what is here, so that neither the environment nor what a role brings
 * along has a say in it. Does not know what is sent over them.
 */
import { Client, type ClientBase, type ClientConfig, type PoolConfig } from 'pg';
import { cutOff, forgetEnvironment } from '../internals';
import { FIRST_SETTING, SAY_SETTINGS } from './settings';
import { parseDatabaseUrl } from './url';

const APPLICATION_NAME = 'persistent-state-machine';

/** A client to which the variables PG… of the environment mean nothing. */
export class PlainClient extends Client {
  constructor(config: ClientConfig = {}) {
    super(config);
    forgetEnvironment(this, config, () => this.#refusePassword());
  }

  #refusePassword(): never {
    // The driver leaves the connection open, and the server waits for the password.
    setImmediate(() => {
      cutOff(this);
    });
    throw new Error('it asks for a password, and the URL has none');
  }
}

/**
 * @param url of a database, as `parseDatabaseUrl` takes it
 * @param purpose named in PostgreSQL's own views, unless the URL has a name for that
 * @returns all that node-postgres would else look up elsewhere
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
    // What a URL says of TLS, Node takes: the names of its versions are PostgreSQL's, too.
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
  /** After how many milliseconds the database gives up a statement; undefined: no setting may be sent. */
  readonly statementTimeout?: number | undefined;
}

/** What goes for each connection of a pool, beside how many there are. */
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
          // It bounds the wait for a lock, too; a transaction that another session leaves open may hold some.
          statement_timeout: statementTimeout,
          idle_in_transaction_session_timeout: statementTimeout,
          options: `${settings.options ?? ''} ${FIRST_SETTING}`.trim(),
        }),
    // The pool waits for the promise, which its types do not say.
    // eslint-disable-next-line @typescript-eslint/no-misused-promises
    onConnect: async (client: ClientBase) => {
      // A connection that breaks tells its statement. It also emits an error, which has no listener while the
      // connection is idle, and that would end the process.
      client.on('error', () => undefined);
      if (statementTimeout === undefined) return;
      await client.query({ text: SAY_SETTINGS, query_timeout: connectTimeout } as { text: string });
    },
  };
}
