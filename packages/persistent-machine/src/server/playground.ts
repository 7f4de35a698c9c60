/**
 * Owns what a browser gets at `/graphql`: the Altair client, its settings and its ready operations.
 * It deliberately does not know the schema, nor how `/graphql` answers anybody but a browser.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  getDistDirectory,
  isSandboxFrame,
  renderAltair,
  renderInitSnippet,
  type RenderOptions,
} from 'altair-static';
import { version } from 'altair-static/package.json';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { serveFiles } from './files';
import { playgroundScript } from './playgroundScript';

const ENDPOINT = '/graphql';
const OPTIONS_SCRIPT = '/graphql/playground/options.js';
/** The version is part of the path, so that a browser may keep an asset for good. */
const ASSETS = `/graphql/playground/${version}/`;

/** Altair needs nothing from elsewhere, and must not be talked into sending anything there. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  // Altair's widgets add style elements as they go, some of them without a nonce.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** An operation of the file, with the comment above it; its name is the group. */
const OPERATION = /(?:^#.*\n)+^\w+ (\w+)[^]*?^\}$/gm;

/** The id of nothing, which `$id` is before there has been an answer. */
const NO_ID = '00000000-0000-0000-0000-000000000000';

/**
 * Has `$id` be the id of the object that was answered last, so that no id is to be copied from one tab to the next. Altair
 * runs this after each answer, or part of a long one, so it parses none.
 */
const FOLLOW_THE_NEWEST = `const [, id] = /^{"data":{"\\w+":{[^{}]*?"id":"([-0-9a-f]{36})"/.exec(altair.response.body) || [];
if (id) altair.helpers.setEnvironment('id', id, true);
`;

/** Server-sent events need neither another scheme nor other credentials than the queries. */
const SUBSCRIPTIONS = 'graphql-sse';

export interface Playground {
  /** The path of a file of operations, each with a comment above it and a tab of its own; undefined: one empty tab. */
  readonly operations: string | undefined;
}

/**
 * Serves the playground: below `/graphql/playground/`, and at `/graphql` to browsers, which prefer HTML.
 *
 * @param server one that negotiates representations
 */
export async function playground(
  server: FastifyInstance,
  { operations: path }: Playground,
): Promise<void> {
  const operations = path === undefined ? '' : await readFile(path, 'utf8');
  // Altair keeps a visitor's tabs in the browser; other operations get other tabs.
  const namespace = createHash('sha256').update(operations).digest('hex');
  const options = altairOptions(operations, namespace);
  const page = renderAltair(options);
  const script = playgroundScript(renderInitSnippet(options), namespace);

  server.addHook('onRequest', (_request, reply, done) => {
    reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
    reply.header('x-content-type-options', 'nosniff');
    done();
  });

  server.get(ENDPOINT, { constraints: { representation: 'text/html' } }, (_request, reply) => {
    varyByAccept(reply);
    return reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(page);
  });

  server.get(OPTIONS_SCRIPT, (_request, reply) =>
    reply.type('text/javascript').header('cache-control', 'no-cache').send(script),
  );

  serveFiles(server, {
    folder: getDistDirectory(),
    prefix: ASSETS,
    // That frame evaluates what it is sent by any page that its own address names.
    isServed: (path) => !isSandboxFrame(path),
  });
}

/** Tells caches that `/graphql` answers differently to clients that accept something else. */
export function varyByAccept(reply: FastifyReply): void {
  // The CORS plugin may have named Origin already.
  const others = reply.getHeader('vary');
  reply.header('vary', others === undefined ? 'Accept' : `${others.toString()}, Accept`);
}

function altairOptions(operations: string, namespace: string): RenderOptions {
  return {
    baseURL: ASSETS,
    // Inline, they would need a policy that allows inline scripts.
    serveInitialOptionsInSeperateRequest: OPTIONS_SCRIPT,
    instanceStorageNamespace: namespace,
    disableAccount: true,
    endpointURL: ENDPOINT,
    subscriptionsEndpoint: ENDPOINT,
    initialSubscriptionRequestHandlerId: SUBSCRIPTIONS,
    initialWindows: [...operations.matchAll(OPERATION)].map(([initialQuery, initialName]) => ({
      initialName,
      initialQuery,
      initialVariables: variablesOf(initialQuery),
      initialSubscriptionRequestHandlerId: SUBSCRIPTIONS,
    })),
    initialEnvironments: {
      activeSubEnvironment: 'newest',
      subEnvironments: [{ id: 'newest', title: 'Newest', variables: { id: NO_ID } }],
    },
    initialPostRequestScript: FOLLOW_THE_NEWEST,
    initialSettings: { 'schema.reloadOnStart': true },
    persistedSettings: {
      'banners.disable': true,
      disablePushNotification: true,
      // The old way interprets that script, the new one evaluates it, which the policy forbids.
      'beta.disable.newScript': true,
    },
  };
}

/** Those that the operation declares: `$id` is what was answered last, any other is for the visitor to fill in. */
function variablesOf(operation: string): string {
  const [, declarations = ''] = /^\w+ \w+\(([^)]*)\)/m.exec(operation) ?? [];
  const names = [...declarations.matchAll(/\$(\w+):/g)].map(([, name = '']) => name);
  const values = names.map((name) => [name, name === 'id' ? '{{id}}' : null]);
  return JSON.stringify(Object.fromEntries(values), null, 2);
}
