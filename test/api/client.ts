/**
 * A client of the API that can send requests of every shape. It checks every error of every test in this folder: the
 * error names its request, and leaks nothing of the implementation.
 */
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { Answer } from '../harness';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // Tests read answers of every shape, and fail if an answer has another one.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

export interface Sending {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export const JSON_BODY = { 'content-type': 'application/json' } as const;

/** What no error may contain: SQL or a name from it, a stack or a path, a class or an error code of a library. */
export const LEAK = new RegExp(
  [
    String.raw`\b(?:SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|relation|constraint|ledger)\b|\blife_\w|\blives_`,
    String.raw`\n\s*at |\bfile:|node_modules|\.[cm]?[jt]s\b`,
    String.raw`\b[A-Z]\w+Error\b|Apollo ?Server|Fastify|FST_|TypeORM|\bE(?:CONN|PIPE|NOENT|ACCES|ADDR)|\bpg\b`,
  ].join('|'),
);

/** The form of a request's id. Its last part is a counter, which can spell any short word. */
const REQUEST_ID = /[0-9a-f-]{36}-[0-9a-z]+/g;

/** @returns the first leak in a text, if there is one */
export function leakIn(text: string): string | undefined {
  return LEAK.exec(text.replaceAll(REQUEST_ID, ''))?.[0];
}

/** The only extensions that an error may have. */
const EXTENSIONS = ['code', 'requestId', 'fields', 'id', 'idempotencyKey'];

const connections = new Agent({ keepAlive: true });

/** Sends one request with exactly these headers, and those that HTTP itself requires, including `host`. */
export async function send(
  { url }: { readonly url: string },
  { method = 'POST', path = '/graphql', headers = {}, body = '' }: Sending = {},
): Promise<Reply> {
  const { hostname, port } = new URL(url);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const length = body === '' ? {} : { 'content-length': Buffer.byteLength(body) };
    // Not by URL, because that normalizes the path, and a test may need another form.
    request(
      { hostname, port, path, method, headers: { ...length, ...headers }, agent: connections },
      resolve,
    )
      .on('error', reject)
      .end(body);
  });
  const chunks = await response.toArray();
  const text = Buffer.concat(chunks).toString();
  const isJson = String(response.headers['content-type']).includes('json') && text !== '';
  const reply = {
    // Node's client gives every response a status.
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : undefined,
  };
  expectNothingLeaked(reply);
  return reply;
}

/** Asks GraphQL by POST. */
export async function ask(
  server: { readonly url: string },
  query: string,
  variables: Record<string, unknown> = {},
): Promise<Answer> {
  const { status, body } = await send(server, {
    headers: JSON_BODY,
    body: JSON.stringify({ query, variables }),
  });
  return { status, data: body.data, errors: body.errors };
}

/** Sends a request that must be answered without errors. @returns the data */
export async function dataOf(
  server: { readonly url: string },
  query: string,
  variables: Record<string, unknown> = {},
): Promise<Answer['data']> {
  const { errors, data } = await ask(server, query, variables);
  expect(errors).toBeUndefined();
  return data;
}

function expectNothingLeaked({ status, headers, text, body }: Reply): void {
  const id = headers['x-request-id'];
  expect(id).toMatch(/^[0-9a-f-]{36}-[0-9a-z]+$/);
  const errors: NonNullable<Answer['errors']> = body?.errors ?? [];
  if (status >= 400 && text !== '') expect(errors).not.toEqual([]);
  for (const error of errors) {
    expect(error.extensions).toMatchObject({
      code: expect.stringMatching(/^[A-Z_]+$/),
      requestId: id,
    });
    expect(Object.keys(error.extensions).filter((key) => !EXTENSIONS.includes(key))).toEqual([]);
    expect(leakIn(JSON.stringify(error))).toBeUndefined();
  }
}
