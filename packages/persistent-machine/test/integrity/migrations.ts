/** Migrations in a folder, as an application has them: written there, loaded from there, run and reverted. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { compileFunction } from 'node:vm';
import { transformSync } from '@swc/core';
import {
  DataSource,
  type EntityTarget,
  type MigrationInterface,
  type ObjectLiteral,
} from 'typeorm';
import { migrate } from '../../src/database/migrate';
import { generateMigration } from '../../src/integrity';

export type Entities = readonly EntityTarget<ObjectLiteral>[];

/** What the command printed. */
export interface Said {
  readonly info: readonly string[];
  readonly warnings: readonly string[];
}

export class Migrations {
  /** The time of the clock, in milliseconds. */
  now = 1_800_000_000_000;

  constructor(
    private readonly url: string,
    readonly folder = mkdtempSync(join(tmpdir(), 'migrations-')),
    private readonly schema?: string,
  ) {}

  /** The same migrations in another schema. */
  in(schema: string): Migrations {
    return new Migrations(this.url, this.folder, schema);
  }

  /** @returns a connected DataSource with these entities, and the migrations that are in the folder */
  async connect(entities: Entities): Promise<DataSource> {
    const dataSource = new DataSource({
      type: 'postgres',
      url: this.url,
      ...(this.schema === undefined ? {} : { schema: this.schema }),
      // TypeORM's own type of them is a union of lists and records.
      entities: [...entities] as never[],
      migrations: this.classes(),
      installExtensions: false,
      // TypeORM would print a failing migration on the console.
      logger: 'debug',
    });
    return dataSource.initialize();
  }

  /** Runs the migrations, and generates one for what is then missing. */
  async generate(entities: Entities, name: string): Promise<Said> {
    const dataSource = await this.connect(entities);
    const said = { info: [] as string[], warnings: [] as string[] };
    await migrate(dataSource);
    try {
      await generateMigration(dataSource, join(this.folder, name), (this.now += 1), {
        info: (message) => said.info.push(message),
        warn: (message) => said.warnings.push(message),
      });
    } finally {
      await dataSource.destroy();
    }
    return said;
  }

  /** The names of the files. */
  files(): string[] {
    return readdirSync(this.folder).sort();
  }

  read(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  /** The migrations that are in the folder. */
  classes(): (new () => MigrationInterface)[] {
    if (!this.files().includes('index.ts')) return [];
    // What the generator writes.
    const { MIGRATIONS } = load(join(this.folder, 'index.ts')) as {
      MIGRATIONS: readonly (new () => MigrationInterface)[];
    };
    return [...MIGRATIONS];
  }
}

/** What a file of TypeScript exports, which may import its neighbours. */
function load(file: string): object {
  const { code } = transformSync(readFileSync(file, 'utf8'), {
    filename: file,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
  });
  const exports = {};
  const neighbour = (name: string): object => load(join(dirname(file), `${name}.ts`));
  Reflect.apply(compileFunction(code, ['exports', 'require']), undefined, [exports, neighbour]);
  return exports;
}
