/**
 * Parses the URL of a database as libpq does, into all parts of an address, so that none comes from the environment of
 * the process. It knows no driver.
 */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';

/** The parts of an address. */
export interface Address {
  readonly user: string;
  /** Undefined if the URL has none. */
  readonly password: string | undefined;
  /** A host name, an IP address, or the folder of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** False for no TLS. */
  readonly tls: false | TlsOptions;
  /** Whether TLS begins at once, without PostgreSQL's negotiation. */
  readonly directTls: boolean;
  readonly channelBinding: boolean;
  /** PostgreSQL's command-line options; may be empty. */
  readonly options: string;
  /** The name of the connections in PostgreSQL's views. */
  readonly applicationName: string | undefined;
}

/** The TLS options of Node that a URL can set. */
export interface TlsOptions {
  readonly rejectUnauthorized?: false;
  /** Replaces Node's check that the certificate belongs to the host. */
  readonly checkServerIdentity?: () => undefined;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  readonly minVersion?: string;
  readonly maxVersion?: string;
}

/** A URL that cannot be used. The message says what to do, and repeats nothing that may be a secret. */
export class BadDatabaseUrl extends Error {
  override readonly name = 'BadDatabaseUrl';
}

/** The parameters that have an effect. */
const USED = new Set([
  ...['host', 'port', 'dbname', 'user', 'password', 'options', 'application_name'],
  ...['fallback_application_name', 'ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey'],
  ...['sslpassword', 'sslnegotiation', 'ssl_min_protocol_version', 'ssl_max_protocol_version'],
  ...['channel_binding', 'uselibpqcompat'],
]);

/** The parameters of libpq that can be ignored: we set them ourselves, or they concern Kerberos. */
const IGNORED = new Set([
  ...['connect_timeout', 'client_encoding', 'keepalives', 'keepalives_idle', 'keepalives_interval'],
  ...['keepalives_count', 'tcp_user_timeout', 'target_session_attrs', 'load_balance_hosts'],
  ...['sslcompression', 'sslsni', 'krbsrvname', 'gsslib', 'gssdelegation'],
  ...['min_protocol_version', 'max_protocol_version'],
]);

/** Parameters that can be ignored only with these values, which ask for nothing. */
const IGNORED_VALUES: Readonly<Record<string, RegExp>> = {
  gssencmode: /^(?:disable|prefer)$/,
  sslcertmode: /^allow$/,
  replication: /^(?:false|off|no|0)$/,
};

/** As in libpq, all before the first @ is the user and the password. */
const FORM =
  /^postgres(?:ql)?:\/\/(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<host>\[[^\]]*\]|[^:/?]*)(?::(?<port>[^/?]*))?(?:\/(?<database>[^?]*))?(?:\?(?<parameters>.*))?$/s;

/**
 * @param url `postgresql://user:password@host:port/database?parameter=value`, each part of which may be missing
 * @throws BadDatabaseUrl
 */
export function parseDatabaseUrl(url: string): Address {
  const parts = FORM.exec(url)?.groups;
  if (parts === undefined) throw new BadDatabaseUrl('expected a postgresql:// URL');
  const { host: rawHost = '', port: rawPort, database: rawDatabase = '' } = parts;
  if ([rawHost, rawPort ?? '', rawDatabase].some((part) => part.includes('@'))) {
    throw new BadDatabaseUrl(
      'expected only one @, before the host: in a user name or a password write @ as %40, / as %2F and : as %3A, ' +
        'and in the name of a database write @ as %40',
    );
  }
  const given = parametersOf(parts['parameters']);
  const user = given.get('user') ?? decoded(parts['user'] ?? '', 'user name');
  const host =
    given.get('host') ?? decoded(rawHost.replace(/^\[(.*)\]$/, '$1'), 'name of the host');
  const port = given.get('port') ?? rawPort ?? '';
  if ([host, port].some((part) => part.includes(','))) {
    throw new BadDatabaseUrl('expected one host: a list of hosts is not supported');
  }
  if (port !== '' && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
    throw new BadDatabaseUrl(
      'expected a port from 1 to 65535 after the host: in a user name or a password write / as %2F and : as %3A',
    );
  }
  const known = user === '' ? userInfo().username : user;
  const database = given.get('dbname') ?? decoded(rawDatabase, 'name of the database');
  const password = given.get('password') ?? decoded(parts['password'] ?? '', 'password');
  const directTls = given.get('sslnegotiation') === 'direct';
  return {
    user: known,
    password: password === '' ? undefined : password,
    host: host === '' ? 'localhost' : host,
    port: port === '' ? 5432 : Number(port),
    database: database === '' ? known : database,
    // As in libpq, a unix socket has no TLS.
    tls: host.startsWith('/') ? false : tlsOf(given, directTls),
    directTls: directTls && !host.startsWith('/'),
    channelBinding: /^(?:prefer|require)$/.test(given.get('channel_binding') ?? ''),
    options: given.get('options') ?? '',
    applicationName: given.get('application_name') ?? given.get('fallback_application_name'),
  };
}

function parametersOf(text: string | undefined): Map<string, string> {
  const given = new Map<string, string>();
  for (const pair of (text ?? '').split('&').filter((each) => each !== '')) {
    const [rawName = '', ...rest] = pair.split('=');
    const name = decoded(rawName, 'name of a parameter');
    const value = decoded(rest.join('='), `parameter ${printable(name)}`);
    if (IGNORED.has(name) || IGNORED_VALUES[name]?.test(value) === true) continue;
    if (!USED.has(name)) {
      const hint = name === 'schema' ? '; for a schema write options=-c%20search_path%3Dname' : '';
      throw new BadDatabaseUrl(
        `expected no parameter ${printable(name)}, which is not supported${hint}`,
      );
    }
    if (value !== '') given.set(name, value);
  }
  return given;
}

/** Repeats only what looks like a parameter's name: in a malformed URL it could be part of a secret. */
function printable(name: string): string {
  return /^[A-Za-z_]{1,40}$/.test(name) ? name : 'of such a name';
}

function decoded(text: string, part: string): string {
  if (/%(?![0-9a-f]{2})/i.test(text)) {
    throw new BadDatabaseUrl(`expected the ${part} with % written as %25`);
  }
  try {
    const plain = decodeURIComponent(text);
    if (!plain.includes('\0')) return plain;
  } catch {
    // Not UTF-8: the same message as for a zero byte.
  }
  throw new BadDatabaseUrl(
    `expected the ${part} in UTF-8, each byte of it written as % and two digits`,
  );
}

/**
 * Follows node-postgres 8: every mode but `disable` and `no-verify` checks the certificate and its name. With
 * `uselibpqcompat=true`, the modes mean the same as in libpq.
 */
function tlsOf(given: ReadonlyMap<string, string>, directTls: boolean): false | TlsOptions {
  const mode = given.get('sslmode') ?? modeOf(given.get('ssl'));
  const names = ['allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify', 'disable'];
  if (mode !== undefined && !names.includes(mode)) {
    throw new BadDatabaseUrl(`expected sslmode to be one of ${names.join(', ')}`);
  }
  const files = ['sslrootcert', 'sslcert', 'sslkey'].filter((name) => given.has(name));
  if (mode === 'disable') return false;
  if (mode === undefined && files.length === 0 && !directTls) return false;
  const passphrase = given.get('sslpassword');
  const minVersion = given.get('ssl_min_protocol_version');
  const maxVersion = given.get('ssl_max_protocol_version');
  const ca = given.get('sslrootcert') === 'system' ? undefined : contents(given, 'sslrootcert');
  const cert = contents(given, 'sslcert');
  const key = contents(given, 'sslkey');
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(maxVersion === undefined ? {} : { maxVersion }),
    ...checksOf(mode, given.get('uselibpqcompat') === 'true', ca !== undefined),
  };
}

/** Translates `ssl=` into `sslmode=`. */
function modeOf(ssl: string | undefined): string | undefined {
  if (ssl === 'true' || ssl === '1') return 'verify-full';
  return ssl === 'false' || ssl === '0' ? 'disable' : ssl;
}

function checksOf(mode: string | undefined, asLibpq: boolean, hasRoot: boolean): TlsOptions {
  const withoutName = { checkServerIdentity: () => undefined };
  if (mode === 'no-verify') return { rejectUnauthorized: false };
  if (!asLibpq || mode === undefined || mode === 'verify-full') return {};
  if (mode === 'verify-ca' && !hasRoot) {
    throw new BadDatabaseUrl('expected sslrootcert beside sslmode=verify-ca');
  }
  return mode === 'verify-ca' || (mode === 'require' && hasRoot)
    ? withoutName
    : { rejectUnauthorized: false };
}

function contents(given: ReadonlyMap<string, string>, name: string): string | undefined {
  const file = given.get(name);
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new BadDatabaseUrl(`expected ${name} to be a file that can be read`);
  }
}

/** The address for a log, without credentials. */
export function placeOf({ host, port, database }: Address): string {
  const where = host.includes(':') ? `[${host}]` : host;
  return `the database ${database} at ${where}:${port}`;
}
