/** What must not compile does not, for the reason that stands above it; and all else compiles. */
import { type Complaint, complaintsAbout } from './complaints';

/** The complaints at one line, cut down to the words that are expected there, if they are among them. */
function atLine(found: readonly Complaint[], { line, says }: Complaint): Complaint {
  const words = found.filter((complaint) => complaint.line === line).map((one) => one.says);
  return { line, says: words.some((one) => one.includes(says)) ? says : words.join('\n') };
}

test.each(['declarations.ts', 'classes.ts', 'phases.ts', 'generic.ts'])(
  '%s has the errors that it expects, and no other',
  (file) => {
    const { expected, found } = complaintsAbout(file);
    expect(expected.map((complaint) => atLine(found, complaint))).toEqual(expected);
    const lines = new Set(expected.map(({ line }) => line));
    expect(found.filter(({ line }) => !lines.has(line))).toEqual([]);
  },
);
