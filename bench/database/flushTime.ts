/** Measures how long the disk takes to flush a write of PostgreSQL's log, which bounds every rate of commits. */
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';

export interface FlushTime {
  /** Microseconds for 8 kB written and flushed by fdatasync. */
  readonly microseconds: number;
  readonly measuredBy: string;
}

/** Debian's packages install it outside PATH. */
const DEBIAN = '/usr/lib/postgresql';
const PAGE = Buffer.alloc(8_192, 'x');
const OWN_MEASUREMENT = 2_000;

/** @param directory on the disk to measure */
export async function measureFlushTime(directory: string): Promise<FlushTime> {
  const file = join(directory, 'flush-time');
  try {
    const program = findProgram();
    const told = program === undefined ? undefined : await askProgram(program, file);
    return told === undefined
      ? { microseconds: measureHere(file), measuredBy: 'write and fdatasync from Node.js' }
      : { microseconds: told, measuredBy: 'pg_test_fsync' };
  } finally {
    rmSync(file, { force: true });
  }
}

function findProgram(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort().reverse() : [];
  return [
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...versions.map((version) => join(DEBIAN, version, 'bin')),
  ]
    .map((folder) => join(folder, 'pg_test_fsync'))
    .find((path) => existsSync(path));
}

/** Reads the first test of pg_test_fsync, and ends it before the others, which take half a minute. */
async function askProgram(program: string, file: string): Promise<number | undefined> {
  const child = spawn(program, ['--secs-per-test=2', `--filename=${file}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    const [, microseconds] = /fdatasync +[\d.]+ ops\/sec +(\d+) usecs\/op/.exec(said) ?? [];
    if (microseconds === undefined) continue;
    child.kill();
    return Number(microseconds);
  }
  return undefined;
}

function measureHere(file: string): number {
  const descriptor = openSync(file, 'w');
  const begin = performance.now();
  let flushes = 0;
  while (performance.now() - begin < OWN_MEASUREMENT) {
    writeSync(descriptor, PAGE, 0, PAGE.length, 0);
    fdatasyncSync(descriptor);
    flushes += 1;
  }
  closeSync(descriptor);
  return Math.round(((performance.now() - begin) * 1_000) / flushes);
}
