/**
 * Writes the files of a new machine: the declaration with a class for each state, the entity, the line in the list of
 * machines, and a test. They run as they are, and are meant to be changed. Knows the folders of this application, and
 * nothing about machines.
 *
 * `npm run machine -- Ticket`
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';

/** @param name in PascalCase; @param plural in camelCase */
function filesOf(name: string, variable: string, plural: string): Readonly<Record<string, string>> {
  return {
    [`src/machine/${variable}.ts`]: `\
/** The ${variable}: the list of its states and events, and a class for each state with a method for each event. */
import {
  type EventData,
  type Moment,
  type OccurredAtOutOfRange,
  classes,
  machine,
  moment,
  text,
} from 'persistent-machine/machine';

/** All states and events of a ${variable}. Its tables, its GraphQL types and what PostgreSQL refuses are derived from it. */
export const ${variable} = machine('${name}', {
  plural: '${plural}',
  says: 'A ${variable}, from its opening to its closing.',
  // The only place that names, types and describes the columns.
  columns: {
    note: text({ max: 255, says: 'What was said when the ${variable} was closed.' }),
    closedAt: moment({ says: 'When the ${variable} was closed.' }),
  },
  initial: { event: 'Opening', to: 'Open${name}' },
  // For each event: the method that does it, the column for its time, and the data that it carries.
  events: {
    Opening: { verb: 'open', at: 'createdAt', says: 'A ${variable} is opened.' },
    Closing: {
      verb: 'close',
      at: 'closedAt',
      data: { note: text({ max: 255, says: 'What is said about it.' }) },
      says: 'The ${variable} is closed.',
    },
  },
  // For each state: the columns that it has or may have, and the state that each event leads to.
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
/** The table \`${plural}\`, with the current record of each ${variable}. Further indexes are declared here. */
import { entityOf } from 'persistent-machine/integrity';
import { Entity } from 'typeorm';
import { ${variable} } from '../machine/${variable}';

@Entity()
export class ${name} extends entityOf(${variable}) {}
`,
    [`test/database/${variable}.test.ts`]: `\
/** What holds for any machine, of ${plural}: all of it derived from their declaration. */
import { describeMachine } from '../../packages/persistent-machine/test/describeMachine/describeMachine';
import { ${plural} } from '../../src/machine/${variable}';
import { createTestDatabase } from '../harness';

describeMachine(${plural}, createTestDatabase);
`,
  };
}

/** The list of all machines. */
const LIST = 'src/machines.ts';

/** @throws Error if the list does not look as expected */
function listed(list: string, name: string, variable: string, plural: string): string {
  const imports = `\
import { ${name} } from './entities/${name}';
import { ${plural} } from './machine/${variable}';
`;
  const entry = `{ lifecycle: ${plural}, entities: entitiesOf(${name}) },`;
  const withImports = list.replace('\nexport const MACHINES', `${imports}\nexport const MACHINES`);
  const withEntry = withImports.replace('\n] as const', `\n  ${entry}\n] as const`);
  if (withImports === list || withEntry === withImports) {
    throw new Error(`${LIST} has no list MACHINES to add the machine to.`);
  }
  return withEntry;
}

async function write(name: string): Promise<void> {
  if (!/^[A-Z][A-Za-z]*$/.test(name)) {
    throw new Error(
      `"${name}" is not the name of a class. Name the machine as in \`npm run machine -- Ticket\`.`,
    );
  }
  const variable = name.charAt(0).toLowerCase() + name.slice(1);
  const plural = `${variable}s`;
  const files = filesOf(name, variable, plural);
  const taken = Object.keys(files).find((file) => existsSync(file));
  if (taken !== undefined) throw new Error(`${taken} already exists. Nothing was written.`);
  const list = listed(readFileSync(LIST, 'utf8'), name, variable, plural);
  for (const [file, text] of Object.entries({ ...files, [LIST]: list })) {
    // The width of a line depends on the name.
    writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }));
    console.log(file);
  }
  console.log(`
Change src/machine/${variable}.ts to your needs, and then run:
  npm run migration:generate -- migrations/${name}s
  npm run schema && npm run schema:database
  npm run jest -- test/database/${variable}
  npm test
  npm start`);
}

write(process.argv[2] ?? '').catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
