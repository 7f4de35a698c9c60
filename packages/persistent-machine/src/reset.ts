/**
 * Deletes the embedded database, after it has asked: `npm run reset`, or `npm run reset -- --yes`. Never deletes the
 * database of DATABASE_URL.
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
      'DATABASE_URL names a database that is not ours to delete. Unset it, also in .env, to delete the embedded one.',
    );
  }
  const removal = await prepareRemoval(dataDirectory);
  if (removal === undefined) {
    console.log(`There is no embedded database in ${dataDirectory}.`);
    return;
  }
  console.log(
    `This deletes the embedded database in ${removal.folder}, with all that was recorded.`,
  );
  if (values.yes || (await isConfirmed())) {
    await removal.remove();
    console.log('It is deleted. The next start makes an empty one.');
  } else {
    await removal.cancel();
    console.log('Nothing was deleted.');
    process.exitCode = 1;
  }
}

/** @returns whether a line says so; where nobody can answer, the input ends without one */
async function isConfirmed(): Promise<boolean> {
  process.stdout.write('Type yes to delete it: ');
  for await (const line of createInterface({ input: process.stdin })) return line.trim() === 'yes';
  process.stdout.write('\n');
  return false;
}

runCommand(reset);
