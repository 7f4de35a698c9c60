/** The output of `npm run machine`, in a copy of this application. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MACHINES } from '../../src/machines';

let copy: string;

/** Runs the script in the copy. */
function write(...parameters: string[]): { readonly status: number | null; readonly told: string } {
  const { status, stdout, stderr } = spawnSync(
    resolve('node_modules/.bin/tsx'),
    [resolve('scripts/machine.ts'), ...parameters],
    { cwd: copy, encoding: 'utf8' },
  );
  return { status, told: `${stdout}${stderr}` };
}

const machines = (): string => readFileSync(join(copy, 'src/machines.ts'), 'utf8');

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'machine-'));
  for (const path of [
    'src',
    'migrations',
    'test/harness',
    'ormconfig.ts',
    'tsconfig.json',
    '.prettierrc.json',
  ]) {
    cpSync(path, join(copy, path), { recursive: true });
  }
  mkdirSync(join(copy, 'test/database'));
  for (const path of ['packages', 'node_modules', 'scripts']) {
    symlinkSync(resolve(path), join(copy, path));
  }
});

afterEach(() => {
  rmSync(copy, { recursive: true });
});

test('the output compiles, and has the format of the project', () => {
  expect(write('Voucher')).toMatchObject({ status: 0 });
  expect(machines()).toContain('{ lifecycle: vouchers, entities: entitiesOf(Voucher) },');
  const written = [
    'src/machine/voucher.ts',
    'src/entities/Voucher.ts',
    'test/database/voucher.test.ts',
  ];
  writeFileSync(
    join(copy, 'tsconfig.new.json'),
    JSON.stringify({ extends: './tsconfig.json', include: ['src', ...written] }),
  );
  // The commands fail, and report what is wrong.
  execFileSync('node_modules/.bin/tsc', ['--noEmit', '--project', 'tsconfig.new.json'], {
    cwd: copy,
  });
  const format = ['--check', 'src/machines.ts', ...written];
  execFileSync('node_modules/.bin/prettier', format, { cwd: copy });
});

test.each([
  ['voucher', 'is not the name of a class'],
  [MACHINES[0].lifecycle.machine.name, 'ts already exists'],
])('the script refuses to write %s, and writes nothing', (name, why) => {
  const before = machines();
  const { status, told } = write(name);
  expect({ status, told }).toEqual({ status: 1, told: expect.stringContaining(why) });
  expect(machines()).toBe(before);
});
