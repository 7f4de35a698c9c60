/** Runs the compiler on the files of this folder, which contain what must and what must not compile. */
import { join, resolve } from 'node:path';
import ts from 'typescript';

const root = resolve(__dirname, '../..');

/** The messages of `tsc` for a file, with the project's options. */
function complaintsAbout(file: string): string[] {
  const path = join(root, 'tsconfig.json');
  const { config } = ts.readConfigFile(path, (name) => ts.sys.readFile(name));
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram([file], { ...options, noEmit: true });
  return ts
    .getPreEmitDiagnostics(program, program.getSourceFile(file))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

test('illegal transitions do not compile, and legal ones do', () => {
  expect(complaintsAbout(join(__dirname, 'transitions.ts'))).toEqual([]);
});
