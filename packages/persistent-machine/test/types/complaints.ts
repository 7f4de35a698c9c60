/** Has the compiler look at a file, and compares what it says with what the file's comments expect. */
import { join, resolve } from 'node:path';
import ts from 'typescript';

const root = resolve(__dirname, '../../../..');
const EXPECTATION = /^\s*\/\/ @ts-expect-error (?<words>.+)$/;

export interface Complaint {
  /** The number of the line, from 1. */
  readonly line: number;
  readonly says: string;
}

/**
 * @param file its name in this folder
 * @returns what `tsc` says of it under the project's own options, as if nothing had been expected; and for each
 *   `@ts-expect-error`, its words at the line below
 */
export function complaintsAbout(file: string): {
  readonly found: readonly Complaint[];
  readonly expected: readonly Complaint[];
} {
  const path = join(__dirname, file);
  const configuration = join(root, 'tsconfig.json');
  const { config } = ts.readConfigFile(configuration, (name) => ts.sys.readFile(name));
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const host = ts.createCompilerHost(options);
  host.readFile = (name) => {
    const text = ts.sys.readFile(name);
    return resolve(name) === path ? text?.replaceAll('@ts-expect-error', 'expected:') : text;
  };
  const program = ts.createProgram([path], { ...options, noEmit: true }, host);
  const source = program.getSourceFile(path);
  if (source === undefined) throw new Error(`There is no ${path}.`);
  const found = ts.getPreEmitDiagnostics(program, source).map(({ messageText, start = 0 }) => ({
    line: source.getLineAndCharacterOfPosition(start).line + 1,
    says: ts.flattenDiagnosticMessageText(messageText, '\n'),
  }));
  const lines = (ts.sys.readFile(path) ?? '').split('\n');
  const expected = lines.flatMap((text, index) => {
    const words = EXPECTATION.exec(text)?.groups?.['words'];
    // The line below has the number after this one's, which is its index plus 1.
    return words === undefined ? [] : [{ line: index + 2, says: words }];
  });
  return { found, expected };
}
