/**
 * The settings of this process. The only place that reads them from the environment and validates them. Does not know
 * what they are used for.
 */
import { z } from 'zod';
import { BadDatabaseUrl, parseDatabaseUrl } from './database/url';

/** The variables that have a meaning only with AUTH=jwt. */
const OF_TOKENS = ['AUTH_JWKS_URL', 'AUTH_JWT_SECRET', 'AUTH_ISSUER', 'AUTH_AUDIENCE'] as const;

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

const integer = (minimum: number, maximum: number): z.ZodType<number, string> => {
  const error = `expected a whole number from ${minimum} to ${maximum}`;
  return z
    .string()
    .regex(/^(0|[1-9]\d*)$/, { error, abort: true })
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, { error });
};

const onOrOff = z.enum(['on', 'off']).transform((value) => value === 'on');

const isUrlOf = (value: string, ...schemes: string[]): boolean =>
  URL.canParse(value) && schemes.some((scheme) => value.startsWith(`${scheme}//`));

const databaseUrl = z.string().superRefine((value, context) => {
  try {
    parseDatabaseUrl(value);
  } catch (error) {
    if (!(error instanceof BadDatabaseUrl)) throw error;
    context.addIssue({ code: 'custom', message: error.message, continue: false });
  }
});

/** Refuses credentials in a URL, because `fetch` cannot send them. */
const plainWebUrl = z
  .string()
  .refine(
    (value) =>
      isUrlOf(value, 'http:', 'https:') && new URL(value).username + new URL(value).password === '',
    { error: 'expected an http:// or https:// URL without credentials', abort: true },
  );

/** All variables. A test makes sure that `.env.example` lists the same. */
const environment = z
  .object({
    PORT: integer(0, 65_535).default(4000),
    HOST: z.string().default('127.0.0.1'),
    DATABASE_URL: databaseUrl.optional(),
    DATABASE_REPLICA_URL: databaseUrl.optional(),
    DATA_DIR: z.string().default('.data'),
    PARTITIONS: integer(1, 32).optional(),
    DATABASE_POOL_SIZE: integer(1, 1000).default(10),
    PREPARED_STATEMENTS: onOrOff.default(true),
    LISTEN: onOrOff.default(true),
    MIGRATIONS: z.enum(['auto', 'off']).default('auto'),
    GRAPHIQL: onOrOff.default(true),
    INTROSPECTION: onOrOff.default(true),
    LOG_LEVEL: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
      .default('info'),
    AUTH: z.enum(['jwt', 'off']).optional(),
    AUTH_JWKS_URL: plainWebUrl.optional(),
    AUTH_JWT_SECRET: z
      .string()
      .refine((value) => Buffer.byteLength(value) >= 32, {
        error: 'expected at least 32 bytes',
        abort: true,
      })
      .optional(),
    AUTH_ISSUER: z.string().optional(),
    AUTH_AUDIENCE: z.string().optional(),
    CORS_ORIGINS: z
      .string()
      .transform((value) => value.split(',').map((origin) => origin.trim()))
      .refine(
        (origins) =>
          origins.every(
            (origin) => isUrlOf(origin, 'http:', 'https:') && new URL(origin).origin === origin,
          ),
        'expected origins like https://example.com, separated by commas',
      )
      .default([]),
    MAX_QUEUE: integer(1, 1_000_000).default(10_000),
    REQUEST_TIMEOUT_MS: integer(1, 600_000).default(5_000),
    SHUTDOWN_GRACE_MS: integer(0, 600_000).default(10_000),
    OTEL_EXPORTER_OTLP_ENDPOINT: plainWebUrl.optional(),
    OTEL_TRACES_SAMPLER_ARG: z
      .string()
      .regex(/^(?:0(?:\.\d+)?|1(?:\.0+)?)$/, 'expected a number from 0 to 1')
      .transform(Number)
      .default(1),
  })
  .refine(({ HOST, AUTH }) => LOOPBACK.has(HOST) || AUTH !== undefined, {
    path: ['HOST'],
    message:
      'expected a loopback address, or AUTH as well: jwt, or off to let every client read and write',
  })
  .refine(
    ({ DATABASE_URL, DATABASE_REPLICA_URL }) =>
      DATABASE_REPLICA_URL === undefined || DATABASE_URL !== undefined,
    { path: ['DATABASE_REPLICA_URL'], message: 'expected DATABASE_URL as well' },
  )
  .superRefine((given, context) => {
    const { AUTH, AUTH_JWKS_URL, AUTH_JWT_SECRET } = given;
    const refuse = (name: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [name], message });
    };
    if (AUTH !== 'jwt') {
      for (const name of OF_TOKENS.filter((each) => given[each] !== undefined)) {
        refuse(name, 'expected no value without AUTH=jwt');
      }
    } else if (AUTH_JWKS_URL === undefined && AUTH_JWT_SECRET === undefined) {
      refuse('AUTH', 'expected AUTH_JWKS_URL or AUTH_JWT_SECRET as well');
    } else if (AUTH_JWKS_URL !== undefined && AUTH_JWT_SECRET !== undefined) {
      refuse('AUTH_JWKS_URL', 'expected no value beside AUTH_JWT_SECRET: set one of the two');
    }
  });

export const variables = Object.keys(environment.shape);

/** The environment has a value that is not allowed. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

export type Configuration = ReturnType<typeof readConfiguration>;

/**
 * @param source the environment; a variable that is set but empty counts as not set
 * @throws ConfigurationError naming each bad variable, its value unless that is secret, and what is allowed
 */
export function readConfiguration(source: Readonly<Record<string, string | undefined>>): {
  /** 0 picks a free port. */
  readonly port: number;
  readonly host: string;
  /** Whether only clients on this computer can reach the server. */
  readonly loopback: boolean;
  /** undefined for an embedded PostgreSQL under `dataDirectory`. */
  readonly databaseUrl: string | undefined;
  /** undefined if the primary serves all reads. */
  readonly databaseReplicaUrl: string | undefined;
  readonly dataDirectory: string;
  /** How many partitions the database shall have; undefined for what it has, or 1 if it is new. */
  readonly partitions: number | undefined;
  readonly databasePoolSize: number;
  readonly preparedStatements: boolean;
  /** Whether PostgreSQL's notifications wake the feed. */
  readonly listen: boolean;
  readonly migrateOnStart: boolean;
  readonly playground: boolean;
  readonly introspection: boolean;
  readonly logLevel: string;
  /** Which tokens are accepted with AUTH=jwt; undefined if clients need none. */
  readonly tokens:
    | {
        /** Where the issuer publishes its keys, or the secret that it signs with. */
        readonly keys: { readonly url: string } | { readonly secret: string };
        readonly issuer: string | undefined;
        readonly audience: string | undefined;
      }
    | undefined;
  readonly corsOrigins: readonly string[];
  /** The most requests that may wait in one lane. */
  readonly maxQueue: number;
  /** How long a request may take, in milliseconds. */
  readonly requestTimeout: number;
  /** How long a shutdown may take, in milliseconds. */
  readonly shutdownGrace: number;
  /** Where traces are sent; undefined if there are none. */
  readonly traces: { readonly endpoint: string; readonly ratio: number } | undefined;
} {
  const given = Object.fromEntries(
    variables.map((name) => {
      const value = source[name]?.trim();
      return [name, value === '' ? undefined : value];
    }),
  );
  const { data, error } = environment.safeParse(given);
  if (error) {
    const problems = error.issues.map(({ path, message }) => {
      const name = path.join('.');
      const value = printable(name, source[name] ?? '');
      return `${name}="${value}" is not allowed: ${message}`;
    });
    throw new ConfigurationError(problems.join('\n'));
  }
  return {
    port: data.PORT,
    host: data.HOST,
    loopback: LOOPBACK.has(data.HOST),
    databaseUrl: data.DATABASE_URL,
    databaseReplicaUrl: data.DATABASE_REPLICA_URL,
    dataDirectory: data.DATA_DIR,
    partitions: data.PARTITIONS,
    databasePoolSize: data.DATABASE_POOL_SIZE,
    preparedStatements: data.PREPARED_STATEMENTS,
    listen: data.LISTEN,
    migrateOnStart: data.MIGRATIONS === 'auto',
    playground: data.GRAPHIQL,
    introspection: data.INTROSPECTION,
    logLevel: data.LOG_LEVEL,
    tokens: tokenRulesOf(data),
    corsOrigins: data.CORS_ORIGINS,
    maxQueue: data.MAX_QUEUE,
    requestTimeout: data.REQUEST_TIMEOUT_MS,
    shutdownGrace: data.SHUTDOWN_GRACE_MS,
    traces:
      data.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
        ? undefined
        : { endpoint: data.OTEL_EXPORTER_OTLP_ENDPOINT, ratio: data.OTEL_TRACES_SAMPLER_ARG },
  };
}

function tokenRulesOf(data: z.infer<typeof environment>): Configuration['tokens'] {
  const { AUTH_JWKS_URL: url, AUTH_JWT_SECRET: secret } = data;
  const claims = { issuer: data.AUTH_ISSUER, audience: data.AUTH_AUDIENCE };
  // Validation lets them be set with AUTH=jwt only.
  if (url !== undefined) return { keys: { url }, ...claims };
  return secret === undefined ? undefined : { keys: { secret }, ...claims };
}

function printable(name: string, value: string): string {
  if (name === 'AUTH_JWT_SECRET') return '***';
  return name === 'DATABASE_URL' || name === 'DATABASE_REPLICA_URL'
    ? placeIn(value)
    : withoutCredentials(value);
}

/** Masks the credentials in a URL, even in one that is malformed. */
function withoutCredentials(value: string): string {
  return value.replace(/^.*@/s, '***@').replace(/([?&;][^=&;]*=)[^&;]*/g, '$1***');
}

/**
 * Masks the URL of a database. It shows all of a plain scheme, host and path, but else the scheme alone: in a
 * malformed URL a password may be anywhere.
 */
function placeIn(value: string): string {
  if (/^(?:(?:[a-z][a-z0-9+.-]*:)?\/\/|postgres(?:ql)?:)?[\w./-]*$/i.test(value)) return value;
  return `${/^[a-z][a-z0-9+.-]*:\/\//i.exec(value)?.[0] ?? ''}***`;
}

/**
 * @param source the environment
 * @returns a sentence for each unknown variable that is one letter off a known one
 */
export function misspelled(source: Readonly<Record<string, string | undefined>>): string[] {
  return Object.keys(source)
    .filter((name) => !variables.includes(name))
    .flatMap((name) => {
      const meant = variables.find((each) => isOneLetterOff(name, each));
      return meant === undefined ? [] : [`${name} is not a setting. Did you mean ${meant}?`];
    });
}

/** Whether the names differ by one insertion, deletion, replacement, or swap of neighbours. */
function isOneLetterOff(one: string, other: string): boolean {
  if (one === other || Math.abs(one.length - other.length) > 1) return false;
  let start = 0;
  while (start < one.length && one[start] === other[start]) start += 1;
  const [left, right] = [one.slice(start), other.slice(start)];
  return (
    left.slice(1) === right ||
    left === right.slice(1) ||
    left.slice(1) === right.slice(1) ||
    `${left.charAt(1)}${left.charAt(0)}${left.slice(2)}` === right
  );
}
