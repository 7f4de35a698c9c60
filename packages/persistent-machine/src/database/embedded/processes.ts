/** Lists the processes of this machine, and tells them apart. It knows no folder and no owner. */
import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

const runProgram = promisify(execFile);

/** A running process of a PostgreSQL server: the postmaster or one of its children. */
export interface PostgresProcess {
  readonly pid: number;
  /** Its command line, or a child's title, which begins with `postgres: `. */
  readonly command: string;
}

/**
 * Tells a process from all others that ever have the same pid.
 *
 * A pid alone proves nothing: after the restart of a container with the same volume, the old owner's pid belongs to
 * another process. So the mark has the time of the start. On Linux it also has the boot, from which that time counts,
 * and the namespace of the pid.
 *
 * @param pid a process, as numbered in the pid namespace of this process
 * @returns its mark, in letters, digits and hyphens; undefined if it does not run, or is a zombie
 */
export async function markOfProcess(pid: number): Promise<string | undefined> {
  const mark = process.platform === 'linux' ? await markOnLinux(pid) : await markByPs(pid);
  return mark?.replaceAll(/\W+/g, '-');
}

async function markOnLinux(pid: number): Promise<string | undefined> {
  const status = await unlessHidden(readFile(`/proc/${pid}/stat`, 'utf8'));
  // The second field is the name, in parentheses, and may itself hold spaces and parentheses.
  const fieldsFromThird = status?.slice(status.lastIndexOf(')') + 2).split(' ') ?? [];
  const [state, startTime] = [fieldsFromThird[0], fieldsFromThird[22 - 3]];
  if (startTime === undefined || state === 'Z' || state === 'X') return undefined;
  const boot = await unlessHidden(readFile('/proc/sys/kernel/random/boot_id', 'utf8'));
  const namespace = await unlessHidden(readlink('/proc/self/ns/pid'));
  return `${startTime} ${namespace ?? ''} ${boot?.trim() ?? ''}`;
}

async function markByPs(pid: number): Promise<string | undefined> {
  const [line = ''] = await askPs('-o', 'stat=,lstart=', '-p', String(pid));
  const [, state, startTime] = /^\s*(\S+)\s+(.+?)\s*$/.exec(line) ?? [];
  return state?.startsWith('Z') ? undefined : startTime;
}

/**
 * Lists the processes of all PostgreSQL servers of this machine, as far as this process may see them.
 *
 * @returns the running processes, without zombies
 */
export async function listPostgresProcesses(): Promise<PostgresProcess[]> {
  return process.platform === 'linux' ? listOnLinux() : listByPs();
}

async function listOnLinux(): Promise<PostgresProcess[]> {
  // Not by ps, which slim images lack. All users may read name and command line, but not the links `exe` and `cwd`,
  // which are closed even to root in a container without CAP_SYS_PTRACE.
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const found = await Promise.all(
    pids.map(async (pid): Promise<PostgresProcess[]> => {
      const name = await unlessHidden(readFile(`/proc/${pid}/comm`, 'utf8'));
      if (name?.trim() !== 'postgres') return [];
      const command = await unlessHidden(readFile(`/proc/${pid}/cmdline`, 'utf8'));
      // A zombie has a name, but no command line.
      return command ? [{ pid, command: command.replaceAll('\0', ' ') }] : [];
    }),
  );
  return found.flat();
}

async function listByPs(): Promise<PostgresProcess[]> {
  const lines = await askPs('-axo', 'pid=,ucomm=,command=');
  return lines.flatMap((line) => {
    const [, pid, command] = /^\s*(\d+)\s+postgres\s+(\S.*)$/.exec(line) ?? [];
    return command === undefined ? [] : [{ pid: Number(pid), command }];
  });
}

/** Undefined if the process has just ended, or the system hides it from this user. */
async function unlessHidden(text: Promise<string>): Promise<string | undefined> {
  return text.catch(() => undefined);
}

async function askPs(...parameters: string[]): Promise<string[]> {
  // Fixed language and time zone, so that all processes get the same text for a start time.
  const environment = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
  // ps exits with 1 when there is no such process.
  const { stdout } = await runProgram('ps', parameters, { env: environment }).catch(() => ({
    stdout: '',
  }));
  return stdout.split('\n');
}
