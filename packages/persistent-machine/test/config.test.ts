/** Tests how the environment is read. An error names each bad value and what is allowed, and prints no password. */
import { ConfigurationError, readConfiguration, variables } from '../src/config';

const LONG = '9'.repeat(30);

/** For each variable, values that it does not allow, and how the error describes the allowed ones. */
const bad: Record<string, { values: readonly string[]; allowed: RegExp }> = {
  PORT: {
    values: ['-1', '65536', '80.5', 'http', '4000x', '0x10', '1e3', 'NaN', 'Infinity', LONG],
    allowed: /whole number from 0 to 65535/,
  },
  HOST: { values: ['0.0.0.0', '::', '192.0.2.1', 'example.com'], allowed: /loopback.*AUTH/ },
  DATABASE_URL: {
    values: [
      'nonsense',
      'mysql://host/database',
      'http://host',
      '/var/run/postgresql',
      '//host',
      'postgres:host/database',
    ],
    allowed: /postgresql:\/\//,
  },
  DATABASE_REPLICA_URL: {
    values: ['nonsense', 'mysql://host/database', 'http://host', 'postgres:host/database'],
    allowed: /postgresql:\/\//,
  },
  PARTITIONS: { values: ['0', '33', '-1', '1.5', 'two'], allowed: /whole number from 1 to 32/ },
  DATABASE_POOL_SIZE: {
    values: ['0', '-1', '1001', '2.5', 'many', LONG],
    allowed: /whole number from 1 to 1000/,
  },
  PREPARED_STATEMENTS: { values: ['true', 'ON', '1', 'no'], allowed: /"on"\|"off"/ },
  LISTEN: { values: ['true', 'ON', '1', 'no'], allowed: /"on"\|"off"/ },
  MIGRATIONS: { values: ['on', 'AUTO', 'true'], allowed: /"auto"\|"off"/ },
  GRAPHIQL: { values: ['true', 'ON', '0'], allowed: /"on"\|"off"/ },
  INTROSPECTION: { values: ['false', 'Off', '0'], allowed: /"on"\|"off"/ },
  LOG_LEVEL: { values: ['verbose', 'INFO', '30'], allowed: /"fatal"\|.*"info"\|.*"silent"/ },
  AUTH: { values: ['on', 'none', 'OFF', 'JWT'], allowed: /"jwt"\|"off"/ },
  AUTH_JWKS_URL: {
    values: [
      'nonsense',
      '/keys',
      'issuer.example/keys',
      'file:///keys',
      'ftp://issuer.example/keys',
      'https:issuer.example',
    ],
    allowed: /https:\/\/ URL/,
  },
  AUTH_JWT_SECRET: { values: ['short', 'x'.repeat(31), 'é'.repeat(15)], allowed: /32 bytes/ },
  AUTH_ISSUER: { values: ['https://issuer.example'], allowed: /no value without AUTH=jwt/ },
  AUTH_AUDIENCE: { values: ['doors'], allowed: /no value without AUTH=jwt/ },
  CORS_ORIGINS: {
    values: [
      '*',
      'null',
      'example.com',
      'https://example.com/',
      'https://example.com/path',
      'https://EXAMPLE.com',
      'https://example.com:443',
      'ftp://example.com',
      'https://one.example,',
      'https://one.example https://other.example',
      'https://one.example,other.example',
    ],
    allowed: /origins like https:\/\/example\.com, separated by commas/,
  },
  MAX_QUEUE: { values: ['0', '-1', '1000001', 'all'], allowed: /whole number from 1 to 1000000/ },
  REQUEST_TIMEOUT_MS: { values: ['0', '5s', '600001'], allowed: /whole number from 1 to 600000/ },
  SHUTDOWN_GRACE_MS: { values: ['-1', '10s', '600001'], allowed: /whole number from 0 to 600000/ },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    values: ['localhost:4318', '/v1/traces', 'grpc://collector.example:4317', 'http:collector'],
    allowed: /http:\/\/ or https:\/\/ URL without credentials/,
  },
  OTEL_TRACES_SAMPLER_ARG: { values: ['-0.1', '1.1', '10%', '.5', 'all'], allowed: /from 0 to 1/ },
};

/** The message of the error for a configuration that cannot be used. */
const messageOf = (source: Record<string, string>): string => {
  try {
    readConfiguration(source);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as ConfigurationError).message;
  }
  throw new Error(`${JSON.stringify(source)} was accepted.`);
};

test('every variable has bad values here, except DATA_DIR, which may have any value', () => {
  expect([...Object.keys(bad), 'DATA_DIR'].sort()).toEqual([...variables].sort());
});

const cases = Object.entries(bad).flatMap(([name, { values, allowed }]) =>
  values.map((value) => ({ name, value, allowed })),
);

test.each(cases)('$name=$value is refused', ({ name, value, allowed }) => {
  const message = messageOf({ [name]: value });
  expect(message.split('\n')).toHaveLength(1);
  expect(message).toContain(name);
  if (name === 'AUTH_JWT_SECRET') expect(message).not.toContain(value);
  else expect(message).toContain(value);
  expect(message).toMatch(allowed);
});

test('one error names all bad values, each on its own line', () => {
  const lines = messageOf({ PORT: 'x', GRAPHIQL: 'x', CORS_ORIGINS: 'x' }).split('\n');
  expect(lines.map((line) => line.split('=')[0]).sort()).toEqual([
    'CORS_ORIGINS',
    'GRAPHIQL',
    'PORT',
  ]);
});

test.each([
  'mysql://user:s3cret@host/database',
  'user:s3cret@host/database',
  'postgres:user:s3cret@host/database',
  'mysql://host/database?password=s3cret',
  'mysql://user:s3cret@with@signs@host/database',
  'mysql://user:with/slash/s3cret@host/database',
])('the error for DATABASE_URL=%j prints no password', (value) => {
  const message = messageOf({ DATABASE_URL: value });
  expect(message).toContain('DATABASE_URL');
  expect(message).not.toContain('s3cret');
});

test('a variable that is unset or blank has its default', () => {
  const nothing = Object.fromEntries(variables.map((name) => [name, ' ']));
  expect(readConfiguration(nothing)).toEqual(readConfiguration({}));
  expect(readConfiguration({})).toMatchObject({
    port: 4000,
    host: '127.0.0.1',
    loopback: true,
    databaseUrl: undefined,
    dataDirectory: '.data',
    databasePoolSize: 10,
    preparedStatements: true,
    migrateOnStart: true,
    playground: true,
    introspection: true,
    logLevel: 'info',
    tokens: undefined,
    corsOrigins: [],
    requestTimeout: 5_000,
    shutdownGrace: 10_000,
    traces: undefined,
  });
});

test('the allowed values are taken', () => {
  expect(
    readConfiguration({
      PORT: '0',
      HOST: '0.0.0.0',
      AUTH: 'off',
      DATABASE_URL: 'postgres://user:secret@host:5432/database?sslmode=require',
      DATABASE_REPLICA_URL: 'postgresql://user:secret@replica/database',
      DATA_DIR: '/somewhere else',
      PARTITIONS: '32',
      DATABASE_POOL_SIZE: '1000',
      PREPARED_STATEMENTS: 'off',
      LISTEN: 'off',
      MIGRATIONS: 'off',
      GRAPHIQL: 'off',
      INTROSPECTION: 'off',
      LOG_LEVEL: 'silent',
      CORS_ORIGINS: 'https://one.example, http://other.example:8080',
      REQUEST_TIMEOUT_MS: ' 1 ',
      SHUTDOWN_GRACE_MS: '0',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example/otlp',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
    }),
  ).toMatchObject({
    port: 0,
    host: '0.0.0.0',
    loopback: false,
    databaseUrl: 'postgres://user:secret@host:5432/database?sslmode=require',
    dataDirectory: '/somewhere else',
    databaseReplicaUrl: 'postgresql://user:secret@replica/database',
    partitions: 32,
    databasePoolSize: 1000,
    preparedStatements: false,
    listen: false,
    migrateOnStart: false,
    playground: false,
    introspection: false,
    logLevel: 'silent',
    corsOrigins: ['https://one.example', 'http://other.example:8080'],
    requestTimeout: 1,
    shutdownGrace: 0,
    traces: { endpoint: 'https://collector.example/otlp', ratio: 0.25 },
  });
});

test.each(['127.0.0.1', '::1', 'localhost'])('%s is loopback, and needs no AUTH', (host) => {
  expect(readConfiguration({ HOST: host })).toMatchObject({ host, loopback: true });
});

test('a replica without DATABASE_URL is refused, and its password is not printed', () => {
  const message = messageOf({ DATABASE_REPLICA_URL: 'postgresql://user:s3cret@replica/database' });
  expect(message).toMatch(/^DATABASE_REPLICA_URL=.*DATABASE_URL as well$/);
  expect(message).not.toContain('s3cret');
});

describe('AUTH=jwt', () => {
  const url = 'https://issuer.example/keys?of=doors';
  // Just long enough, since the limit counts bytes.
  const secret = 'é'.repeat(16);

  test.each([
    ['neither keys nor a secret', {}, 'AUTH', /AUTH_JWKS_URL or AUTH_JWT_SECRET/],
    [
      'both',
      { AUTH_JWKS_URL: url, AUTH_JWT_SECRET: secret },
      'AUTH_JWKS_URL',
      /no value beside AUTH_JWT_SECRET/,
    ],
    [
      'keys at an address with credentials',
      { AUTH_JWKS_URL: 'https://user:s3cret@issuer.example/keys' },
      'AUTH_JWKS_URL',
      /URL without credentials/,
    ],
  ])('with %s is refused', (_description, source, name, allowed) => {
    const message = messageOf({ AUTH: 'jwt', ...source });
    expect(message.split('\n')).toHaveLength(1);
    expect(message.split('=')[0]).toBe(name);
    expect(message).toMatch(allowed);
    expect(message).not.toContain(secret);
    expect(message).not.toContain('s3cret');
  });

  test.each([
    ['AUTH_JWKS_URL', url],
    ['AUTH_JWT_SECRET', secret],
    ['AUTH_ISSUER', 'https://issuer.example'],
    ['AUTH_AUDIENCE', 'doors'],
  ])('is needed by %s, which is refused without it', (name, value) => {
    for (const source of [{}, { AUTH: 'off' }]) {
      const message = messageOf({ ...source, [name]: value });
      expect(message).toMatch(/no value without AUTH=jwt/);
      expect(message.split('=')[0]).toBe(name);
      expect(message).not.toContain(secret);
    }
  });

  test('takes the keys or the secret, and the expected claims', () => {
    expect(
      readConfiguration({ AUTH: 'jwt', AUTH_JWKS_URL: url, AUTH_ISSUER: 'i', AUTH_AUDIENCE: 'a' }),
    ).toMatchObject({ tokens: { keys: { url }, issuer: 'i', audience: 'a' } });
    expect(
      readConfiguration({ AUTH: 'jwt', AUTH_JWT_SECRET: secret, HOST: '0.0.0.0' }),
    ).toMatchObject({
      loopback: false,
      tokens: { keys: { secret }, issuer: undefined, audience: undefined },
    });
  });
});
