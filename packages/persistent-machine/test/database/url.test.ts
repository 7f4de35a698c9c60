/** Tests that a database's URL is read as libpq reads it. An error says what to do, and prints no password. */
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError, readConfiguration } from '../../src/config';
import { createPool } from '../../src/database/dataSource';
import { parseDatabaseUrl, placeOf } from '../../src/database/url';
import { type TestDatabase, createTestDatabase } from '../harness/postgres';

const me = userInfo().username;

test.each([
  ['postgresql://', { user: me, password: undefined, host: 'localhost', port: 5432, database: me }],
  ['postgres://app@/app?host=/run/db', { user: 'app', host: '/run/db', database: 'app' }],
  ['postgresql://app@/app?host=db.example&port=6432', { host: 'db.example', port: 6432 }],
  ['postgresql:///app', { user: me, host: 'localhost', database: 'app' }],
  ['postgresql://db.example', { host: 'db.example', user: me, database: me }],
  ['postgresql://app@db.example', { host: 'db.example', user: 'app', database: 'app' }],
  ['postgresql://app:@db.example/', { password: undefined, database: 'app' }],
  ['postgresql://%2Frun%2Fdb:6432/app', { host: '/run/db', port: 6432, database: 'app' }],
  ['postgresql://[2001:db8::1]:6432/app', { host: '2001:db8::1', port: 6432 }],
  ['postgresql://db.example/a%2Fb%20c', { database: 'a/b c' }],
  [
    'postgresql://db.example?user=app&password=a%26b&dbname=doors',
    { user: 'app', password: 'a&b', database: 'doors' },
  ],
  // As in libpq, only @, / and : end a user or a password.
  ['postgresql://app:a#b?c&d=e f@db.example/app', { password: 'a#b?c&d=e f', host: 'db.example' }],
  ['postgresql://app:a:b@db.example/app', { password: 'a:b' }],
  ['postgresql://ä%C3%B6:%25%40%2F%3A@db.example', { user: 'äö', password: '%@/:' }],
  ['postgresql://db.example/app?application_name=mine', { applicationName: 'mine' }],
  ['postgresql://db.example/app?options=-c%20geqo%3Doff', { options: '-c geqo=off' }],
  [
    'postgresql://db.example/app?connect_timeout=10&target_session_attrs=read-write&keepalives=1&gssencmode=disable',
    { database: 'app' },
  ],
  ['postgresql://db.example/app?sslmode=disable', { tls: false }],
  ['postgresql://db.example/app?ssl=false', { tls: false }],
  ['postgresql://db.example/app', { tls: false }],
  [
    'postgresql://db.example/app?sslmode=require&channel_binding=require',
    { tls: {}, channelBinding: true },
  ],
  ['postgresql://db.example/app?ssl=true', { tls: {} }],
  ['postgresql://db.example/app?sslmode=no-verify', { tls: { rejectUnauthorized: false } }],
  [
    'postgresql://db.example/app?sslmode=require&uselibpqcompat=true',
    { tls: { rejectUnauthorized: false } },
  ],
  ['postgresql://db.example/app?sslmode=verify-full&sslrootcert=system', { tls: {} }],
  ['postgresql://%2Frun%2Fdb/app?sslmode=require', { tls: false }],
])('%s is taken', (url, expected) => {
  expect(parseDatabaseUrl(url)).toMatchObject(expected);
  expect(readConfiguration({ DATABASE_URL: url }).databaseUrl).toBe(url);
});

test('certificates are read, and an error names the parameter of a file that cannot be read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'url-'));
  const file = join(folder, 'root.crt');
  writeFileSync(file, 'a root');
  const url = `postgresql://db.example/app?sslmode=verify-ca&sslrootcert=${file}`;
  expect(parseDatabaseUrl(url).tls).toEqual({ ca: 'a root' });
  expect(parseDatabaseUrl(`${url}&uselibpqcompat=true`).tls).toEqual({
    ca: 'a root',
    checkServerIdentity: expect.any(Function),
  });
  await rm(folder, { recursive: true });
  expect(() => parseDatabaseUrl(url)).toThrow('expected sslrootcert to be a file that can be read');
});

test.each([
  ['postgresql://app:s3%cret@db.example/app', /password with % written as %25/],
  ['postgresql://app:s3cret%@db.example/app', /password with % written as %25/],
  ['postgresql://app:s3cret%ff@db.example/app', /password in UTF-8/],
  ['postgresql://app:s3cret%00@db.example/app', /password in UTF-8/],
  ['postgresql://app:s3/cret@db.example/app', /write @ as %40, \/ as %2F/],
  ['postgresql://app:12/s3cret@db.example/app', /write @ as %40, \/ as %2F/],
  ['postgresql://app:s3@cret@db.example/app', /write @ as %40, \/ as %2F/],
  ['postgresql://app:s3cret', /port from 1 to 65535.*%3A/],
  ['postgresql://app:s3cret@db.example:0/app', /port from 1 to 65535/],
  ['postgresql://app:s3cret@db.example:65536/app', /port from 1 to 65535/],
  ['postgresql://app:s3cret@one,other/app', /one host/],
  ['postgresql://app:s3cret@one/app?host=one,other', /one host/],
  ['postgresql://app:s3cret@one/app?sslmode=maybe', /sslmode to be one of/],
  [
    'postgresql://app:s3cret@one/app?sslmode=require&sslpassword=s3cret&sslkey=/nowhere',
    /sslkey to be a file/,
  ],
  ['postgresql://app@one/app?sslpassword=s3cret&nonsense=1', /no parameter nonsense/],
  ['postgresql://app@one/app?s3cret-=1', /no parameter of such a name/],
  ['postgresql://app@one/app?schema=s3cret', /options=-c%20search_path%3Dname/],
  ['postgresql://app@one/app?service=s3cret', /no parameter service/],
  ['postgresql://app@one/app?passfile=/s3cret', /no parameter passfile/],
  ['postgresql://app@one/app?gssencmode=require&password=s3cret', /no parameter gssencmode/],
  ['jdbc:postgresql://one/app?user=app&password=s3cret', /a postgresql:\/\/ URL/],
  ['jdbc:postgresql://one/app?sslpassword=s3cret', /a postgresql:\/\/ URL/],
  ['host=one user=app password=s3cret', /a postgresql:\/\/ URL/],
  ['host=one sslpassword=s3cret', /a postgresql:\/\/ URL/],
  ["host=one pass='s3cret'", /a postgresql:\/\/ URL/],
  ['Server=one;Password=s3cret', /a postgresql:\/\/ URL/],
  ['postgres//app:s3cret', /a postgresql:\/\/ URL/],
  ['app:s3cret', /a postgresql:\/\/ URL/],
  ['postgresql:app:s3cret@one/app', /a postgresql:\/\/ URL/],
  ['mysql://app#s3cret', /a postgresql:\/\/ URL/],
])('%s is refused, and the error says what to do and prints no secret', (url, told) => {
  for (const name of ['DATABASE_URL', 'DATABASE_REPLICA_URL']) {
    const source = { DATABASE_URL: 'postgresql://one', [name]: url };
    let message = '';
    try {
      readConfiguration(source);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigurationError);
      message = String(error);
    }
    expect(message).toMatch(told);
    expect(message).toContain(name);
    expect(message.split('\n')).toHaveLength(1);
    expect(message).not.toMatch(/s3|cret/);
  }
});

test('the place of the database contains no credentials', () => {
  const at = (url: string): string => placeOf(parseDatabaseUrl(url));
  expect(at('postgresql://app:s3cret@db.example:6432/doors?sslpassword=s3cret')).toBe(
    'the database doors at db.example:6432',
  );
  expect(at('postgresql://app:s3cret@[::1]/doors')).toBe('the database doors at [::1]:5432');
});

describe('a real connection', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createTestDatabase();
  });

  afterEach(async () => {
    await database.drop();
  });

  async function ask(url: string, statement: string): Promise<object[]> {
    const limits = { poolSize: 1, connectTimeout: 5_000, statementTimeout: 5_000 };
    const pool = createPool({ ...limits, url });
    try {
      return (await pool.query<object>(statement)).rows;
    } finally {
      await pool.end();
    }
  }

  test('is made by a URL that names the socket’s folder in a parameter', async () => {
    const { username, password, hostname, port, pathname } = new URL(database.url);
    const url = `postgresql://${username}:${password}@${pathname}?host=${hostname}&port=${port}`;
    expect(await ask(url, 'SELECT current_database() AS name')).toEqual([
      { name: pathname.slice(1) },
    ]);
  });

  test('fails with the reason when PostgreSQL asks for a password that the URL does not have', async () => {
    const url = Object.assign(new URL(database.url), { password: '' });
    await expect(ask(url.href, 'SELECT')).rejects.toThrow(
      'it asks for a password, but the URL has none',
    );
  });
});
