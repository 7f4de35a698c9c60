/**
 * Compares schema.graphql with that of the last release, which is committed, because not every clone has tags. Prints
 * the changes that clients must know, and fails if one breaks clients. Does not know the code that makes the schema.
 */
import { readFileSync } from 'node:fs';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

const FILE = 'schema.graphql';
const RELEASED = 'schema.released.graphql';

async function main(): Promise<void> {
  const [before, after] = [RELEASED, FILE].map((file) => buildSchema(readFileSync(file, 'utf8')));
  if (before === undefined || after === undefined) throw new Error('There are two files.');
  const changes = await diff(before, after);
  const of = (level: CriticalityLevel): string[] =>
    changes
      .filter(({ criticality }) => criticality.level === level)
      .map(({ message, criticality }) => [message, criticality.reason].filter(Boolean).join(' '));
  const [breaking, dangerous] = [of(CriticalityLevel.Breaking), of(CriticalityLevel.Dangerous)];
  for (const change of breaking) console.log(`Breaking: ${change}`);
  for (const change of dangerous) console.log(`Dangerous: ${change}`);
  const places = changes.length === 1 ? '1 place' : `${changes.length} places`;
  console.log(
    `Since ${RELEASED}: ${FILE} has changed in ${places}, ${breaking.length} breaking, ${dangerous.length} dangerous.`,
  );
  if (breaking.length > 0) process.exitCode = 1;
}

void main();
