/**
 * Deletes the embedded database after the operator has confirmed it: `npm run reset`, or `npm run reset -- --yes`. It never
 * deletes the database of DATABASE_URL.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { readCommandConfiguration, runCommand } from './commandDatabase';
import { prepareRemoval } from './database/embedded';

async function reset(): Promise<void> {
  const { values } = parseArgs({ options: { yes: { type: 'boolean', default: false } } });
  const { databaseUrl, dataDirectory } = readCommandConfiguration();
  if (databaseUrl !== undefined) {
    throw new Error(
      'This command does not delete the database of DATABASE_URL. To delete the embedded one, unset DATABASE_URL, also in .env.',
    );
  }
  const removal = await prepareRemoval(dataDirectory);
  if (removal === undefined) {
    console.log(`There is no embedded database in ${dataDirectory}.`);
    return;
  }
  console.log(`This deletes the embedded database in ${removal.folder}, with everything in it.`);
  if (values.yes || (await isConfirmed())) {
    await removal.remove();
    console.log('The database is deleted. The next start creates an empty one.');
  } else {
    await removal.cancel();
    console.log('Nothing was deleted.');
    process.exitCode = 1;
  }
}

/** @returns whether the operator typed yes; false if the input ends first, as without a terminal */
async function isConfirmed(): Promise<boolean> {
  process.stdout.write('Type yes to delete it: ');
  for await (const line of createInterface({ input: process.stdin })) return line.trim() === 'yes';
  process.stdout.write('\n');
  return false;
}

runCommand(reset);
