/** Compiles the files of this folder, and reads the errors that their comments expect. */
import { join, resolve } from 'node:path';
import ts from 'typescript';

const root = resolve(__dirname, '../../../..');
const EXPECTATION = /^\s*\/\/ @ts-expect-error (?<words>.+)$/;

export interface Complaint {
  /** The number of the line, from 1. */
  readonly line: number;
  readonly says: string;
}

export interface Looked {
  /** What `tsc` says of the file under the project's own options, as if nothing had been expected. */
  readonly found: readonly Complaint[];
  /** The words of each `@ts-expect-error`, at the line below it. */
  readonly expected: readonly Complaint[];
}

/** @param files their names in this folder */
export function lookAt(files: readonly string[]): ReadonlyMap<string, Looked> {
  const paths = new Map(files.map((file) => [join(__dirname, file), file]));
  const configuration = join(root, 'tsconfig.json');
  const { config } = ts.readConfigFile(configuration, (name) => ts.sys.readFile(name));
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const host = ts.createCompilerHost(options);
  host.readFile = (name) => {
    const text = ts.sys.readFile(name);
    return paths.has(resolve(name)) ? text?.replaceAll('@ts-expect-error', 'expected:') : text;
  };
  const program = ts.createProgram([...paths.keys()], { ...options, noEmit: true }, host);
  return new Map(
    Array.from(paths, ([path, file]) => {
      const source = program.getSourceFile(path);
      if (source === undefined) throw new Error(`There is no ${path}.`);
      const found = ts.getPreEmitDiagnostics(program, source).map(({ messageText, start = 0 }) => ({
        line: source.getLineAndCharacterOfPosition(start).line + 1,
        says: sorted(ts.flattenDiagnosticMessageText(messageText, '\n')),
      }));
      return [file, { found, expected: expectationsOf(path) }];
    }),
  );
}

function expectationsOf(path: string): readonly Complaint[] {
  const lines = (ts.sys.readFile(path) ?? '').split('\n');
  return lines.flatMap((text, index) => {
    const words = EXPECTATION.exec(text)?.groups?.['words'];
    // The line below has the number after this one's, which is its index plus 1.
    return words === undefined ? [] : [{ line: index + 2, says: sorted(words) }];
  });
}

/** The same words with the members of each union in their alphabet's order: the compiler's own order is accidental. */
function sorted(words: string): string {
  return words.replaceAll(/[^\s'|]+(?: \| [^\s'|]+)+/g, (union) =>
    union.split(' | ').sort().join(' | '),
  );
}
