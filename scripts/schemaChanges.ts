/**
 * Compares the schema.graphql of the working folder with that of the last tag. Prints what a client must know of
 * the changes since, and fails where one breaks clients. Does not know the code that the schema is made from.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

const FILE = 'schema.graphql';

/** What git says; undefined where it refuses. */
function git(...args: readonly string[]): string | undefined {
  try {
    return execFileSync('git', args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}

async function main(): Promise<void> {
  const tag = git('describe', '--tags', '--abbrev=0');
  if (tag === undefined) {
    const isShallow = git('rev-parse', '--is-shallow-repository') !== 'false';
    const reason = isShallow ? 'There is no history here' : 'There is no tag yet';
    console.log(`${reason}: ${FILE} is compared with nothing.`);
    return;
  }
  // Of this folder, which need not be the repository's first.
  const before = git('show', `${tag}:./${FILE}`);
  if (before === undefined) {
    console.log(`${tag} has no ${FILE}: it is compared with nothing.`);
    return;
  }
  const changes = await diff(buildSchema(before), buildSchema(readFileSync(FILE, 'utf8')));
  const of = (level: CriticalityLevel): string[] =>
    changes
      .filter(({ criticality }) => criticality.level === level)
      .map(({ message, criticality }) => [message, criticality.reason].filter(Boolean).join(' '));
  const [breaking, dangerous] = [of(CriticalityLevel.Breaking), of(CriticalityLevel.Dangerous)];
  for (const change of breaking) console.log(`Breaking: ${change}`);
  for (const change of dangerous) console.log(`Dangerous: ${change}`);
  const places = changes.length === 1 ? '1 place' : `${changes.length} places`;
  console.log(
    `Since ${tag}: ${FILE} has changed in ${places}, ${breaking.length} breaking, ${dangerous.length} dangerous.`,
  );
  if (breaking.length > 0) process.exitCode = 1;
}

void main();
