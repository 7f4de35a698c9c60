/**
 * Tests that each wrong line does not compile, for the reason in the comment above it, and that everything else
 * compiles.
 */
import { type Complaint, lookAt } from './complaints';

const files = lookAt(['declarations.ts', 'classes.ts', 'phases.ts', 'generic.ts', 'store.ts']);

/** The complaints at a line, cut down to the words that are expected there if one of them has these words. */
function atLine(found: readonly Complaint[], { line, says }: Complaint): Complaint {
  const words = found.filter((complaint) => complaint.line === line).map((one) => one.says);
  return { line, says: words.some((one) => one.includes(says)) ? says : words.join('\n') };
}

test.each([...files])('%s has the errors that it expects, and no other', (_file, looked) => {
  const { expected, found } = looked;
  expect(expected.map((complaint) => atLine(found, complaint))).toEqual(expected);
  const lines = new Set(expected.map(({ line }) => line));
  expect(found.filter(({ line }) => !lines.has(line))).toEqual([]);
});
