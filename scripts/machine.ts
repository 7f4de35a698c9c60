/**
 * Writes what a new machine needs: its declaration with a class for each state, its entity, its line in the list of
 * machines, and a test. What it writes runs as it is, and is there to be changed. Knows where this
 * application has its files; does not know what a machine is.
 *
 * `npm run machine -- Ticket`
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** @param name in PascalCase; @param plural in camelCase */
function filesOf(name: string, variable: string, plural: string): Readonly<Record<string, string>> {
  return {
    [`src/machine/${variable}.ts`]: `\
/** The ${variable}: the list of what it allows, and a class for each state with just the transitions that it may make. */
import {
  type EventData,
  type Moment,
  type OccurredAtOutOfRange,
  classes,
  machine,
  moment,
  text,
} from 'persistent-machine/machine';

/** Everything that a ${variable} allows. Its tables, its GraphQL types and what PostgreSQL refuses are derived from it. */
export const ${variable} = machine('${name}', {
  plural: '${plural}',
  says: 'A ${variable}, from its opening to its closing.',
  // What is known of it: each column is named, typed and described here, and nowhere else.
  columns: {
    note: text({ max: 255, says: 'What was said when the ${variable} was closed.' }),
    closedAt: moment({ says: 'When the ${variable} was closed.' }),
  },
  initial: { event: 'Opening', to: 'Open${name}' },
  // What may happen: the method that does it, the column that takes its moment, and the data that it carries.
  events: {
    Opening: { verb: 'open', at: 'createdAt', says: 'A ${variable} is opened.' },
    Closing: {
      verb: 'close',
      at: 'closedAt',
      data: { note: text({ max: 255, says: 'What is said about it.' }) },
      says: 'The ${variable} is closed.',
    },
  },
  // Where it can be: the columns that it has or may have there, and what each event leads to.
  states: {
    Open${name}: { says: 'Opened, and not closed yet.', accepts: { Closing: 'Closed${name}' } },
    Closed${name}: { says: 'Closed. Nothing follows.', has: ['note', 'closedAt'] },
  },
});

export class Open${name} extends ${variable}.phase('Open${name}') {
  close(data: EventData<typeof ${variable}, 'Closing'>, at: Moment): Closed${name} | OccurredAtOutOfRange {
    return this.become(Closed${name}, 'Closing', at, data);
  }
}

export class Closed${name} extends ${variable}.phase('Closed${name}') {}

export const ${plural} = classes(${variable}, { Open${name}, Closed${name} });
`,
    [`src/entities/${name}.ts`]: `\
/** The table \`${plural}\`: where each ${variable} is now. What else is wanted on it, such as an index, is written here. */
import { entityOf } from 'persistent-machine/integrity';
import { Entity } from 'typeorm';
import { ${variable} } from '../machine/${variable}';

@Entity()
export class ${name} extends entityOf(${variable}) {}
`,
    [`test/database/${variable}.test.ts`]: `\
/** What PostgreSQL itself refuses of ${plural}, and what it must accept: all of it derived from their declaration. */
import { describeIntegrity } from '../../packages/persistent-machine/test/integrity/describeIntegrity';
import { ${variable} } from '../../src/machine/${variable}';
import { createTestDatabase } from '../harness';

describeIntegrity(${variable}, createTestDatabase);
`,
  };
}

/** Where all machines are listed. */
const LIST = 'src/machines.ts';

/** @throws Error where the list is not as this expects it */
function listed(list: string, name: string, variable: string, plural: string): string {
  const imports = `\
import { ${name} } from './entities/${name}';
import { ${plural} } from './machine/${variable}';
`;
  const entry = `{ lifecycle: ${plural}, entities: entitiesOf(${name}) },`;
  const withImports = list.replace('\nexport const MACHINES', `${imports}\nexport const MACHINES`);
  const withEntry = withImports.replace('\n] as const', `\n  ${entry}\n] as const`);
  if (withImports === list || withEntry === withImports) {
    throw new Error(`${LIST} has no list MACHINES that this can write to.`);
  }
  return withEntry;
}

function write(name: string): void {
  if (!/^[A-Z][A-Za-z]*$/.test(name)) {
    throw new Error(
      `Name the machine as a class, as in \`npm run machine -- Ticket\`, and not "${name}".`,
    );
  }
  const variable = name.charAt(0).toLowerCase() + name.slice(1);
  const plural = `${variable}s`;
  const files = filesOf(name, variable, plural);
  const taken = Object.keys(files).find((file) => existsSync(file));
  if (taken !== undefined) throw new Error(`${taken} is there already: nothing was written.`);
  const list = listed(readFileSync(LIST, 'utf8'), name, variable, plural);
  for (const [file, text] of Object.entries({ ...files, [LIST]: list })) {
    writeFileSync(file, text);
    console.log(file);
  }
  console.log(`
Change src/machine/${variable}.ts to your liking, and then:
  npm run migration:generate -- migrations/${name}s
  npm run schema && npm run schema:database
  npm test
  npm run build && npm start`);
}

try {
  write(process.argv[2] ?? '');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
