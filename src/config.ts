/**
 * The settings of this process: read from the environment in this one place, validated, and named. Does
 * not know what they are used for.
 */
import { z } from 'zod';

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

/** Every variable that there is; `.env.example` lists the same, which a test sees to. */
const environment = z
  .object({
    PORT: integer(0, 65_535).default(4000),
    HOST: z.string().default('127.0.0.1'),
    DATABASE_URL: z
      .string()
      .refine((value) => isUrlOf(value, 'postgres:', 'postgresql:'), 'expected a postgresql:// URL')
      .optional(),
    DATA_DIR: z.string().default('.data'),
    DATABASE_POOL_SIZE: integer(1, 1000).default(10),
    PREPARED_STATEMENTS: onOrOff.default(true),
    LISTEN: onOrOff.default(true),
    MIGRATIONS: z.enum(['auto', 'off']).default('auto'),
    GRAPHIQL: onOrOff.default(true),
    INTROSPECTION: onOrOff.default(true),
    LOG_LEVEL: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
      .default('info'),
    AUTH: z.enum(['off']).optional(),
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
  })
  .refine(({ HOST, AUTH }) => LOOPBACK.has(HOST) || AUTH !== undefined, {
    path: ['HOST'],
    message:
      'expected a loopback address, or AUTH=off said beside it: anybody who reaches it may ask',
  });

export const variables = Object.keys(environment.shape);

/** A value of the environment that cannot be used. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

export type Configuration = ReturnType<typeof readConfiguration>;

/**
 * @param source the environment; a variable that is set but empty counts as not set
 * @throws ConfigurationError naming each bad variable, its value, and what is allowed
 */
export function readConfiguration(source: Readonly<Record<string, string | undefined>>): {
  /** 0 picks a free one. */
  readonly port: number;
  readonly host: string;
  /** Whether only this machine can reach us. */
  readonly loopback: boolean;
  /** Undefined: an embedded PostgreSQL under `dataDirectory`. */
  readonly databaseUrl: string | undefined;
  readonly dataDirectory: string;
  readonly databasePoolSize: number;
  readonly preparedStatements: boolean;
  /** Whether the feed is woken by the database's notifications. */
  readonly listen: boolean;
  readonly migrateOnStart: boolean;
  readonly playground: boolean;
  readonly introspection: boolean;
  readonly logLevel: string;
  readonly corsOrigins: readonly string[];
  /** The most requests that wait for each kind of statement. */
  readonly maxQueue: number;
  /** How long a request may take, in milliseconds. */
  readonly requestTimeout: number;
  /** How long requests in flight may take to end at shutdown, in milliseconds. */
  readonly shutdownGrace: number;
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
      return `${name}="${withoutCredentials(source[name] ?? '')}" is not allowed: ${message}`;
    });
    throw new ConfigurationError(problems.join('\n'));
  }
  return {
    port: data.PORT,
    host: data.HOST,
    loopback: LOOPBACK.has(data.HOST),
    databaseUrl: data.DATABASE_URL,
    dataDirectory: data.DATA_DIR,
    databasePoolSize: data.DATABASE_POOL_SIZE,
    preparedStatements: data.PREPARED_STATEMENTS,
    listen: data.LISTEN,
    migrateOnStart: data.MIGRATIONS === 'auto',
    playground: data.GRAPHIQL,
    introspection: data.INTROSPECTION,
    logLevel: data.LOG_LEVEL,
    corsOrigins: data.CORS_ORIGINS,
    maxQueue: data.MAX_QUEUE,
    requestTimeout: data.REQUEST_TIMEOUT_MS,
    shutdownGrace: data.SHUTDOWN_GRACE_MS,
  };
}

/** A URL, or what was meant to be one, as a log may have it. */
function withoutCredentials(value: string): string {
  return value.replace(/^.*@/s, '***@').replace(/\bpassword=[^&]*/gi, 'password=***');
}
