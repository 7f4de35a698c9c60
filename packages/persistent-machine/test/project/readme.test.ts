/** Runs the machine in the engine's README as it stands there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

test('the README’s machine runs, and prints what the README says', () => {
  const readme = readFileSync(join(__dirname, '../../README.md'), 'utf8');
  const [, code = ''] = /^```ts\n([^]*?)\n```$/m.exec(readme) ?? [];
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  const told: unknown[] = [];
  // Runs the code of the README, with the modules that it requires.
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  const run = new Function('require', 'exports', 'console', outputText) as (
    ...names: unknown[]
  ) => void;
  run(require, {}, { log: (line: unknown) => told.push(line) });
  expect(told).toEqual([
    expect.objectContaining({
      state: expect.objectContaining({
        version: 2,
        stateType: 'Open',
        movedAt: new Date('2026-01-02'),
      }),
    }),
    expect.stringContaining('Closed --> Open : Opening'),
  ]);
});
