/**
 * Where the CPU time of the product's process goes under a load: V8's sampling profiler, added up by package
 * and by function.
 */
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cluster } from './database/cluster';
import type { OperationName } from './operations';
import type { Worker } from './processes';
import { table } from './report';
import { Series } from './series';
import { MANY_CONNECTIONS } from './settings';
import { startOurs } from './targets/ours';
import { variablesFor } from './variables';

/** What is read of a profile in Chrome's format. */
interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Frame {
  readonly functionName: string;
  /** A file's; empty for what is no JavaScript. */
  readonly url: string;
}

/** Where V8 writes it; it stays, for tools that show more of it. */
const DIRECTORY = join(__dirname, '.profiles');
const ROOT = join(__dirname, '..');
/** How many packages and functions are shown, at most. */
const LINES = 30;

/** @returns for a person, the most first: how many microseconds of an answer were spent where */
export async function profile(
  cluster: Cluster,
  generator: Worker,
  operation: OperationName,
  seconds: number,
): Promise<string> {
  rmSync(DIRECTORY, { recursive: true, force: true });
  mkdirSync(DIRECTORY);
  const database = await cluster.createDatabase(`profiled_${operation}`);
  const parameters = ['--cpu-prof', `--cpu-prof-dir=${DIRECTORY}`];
  const target = await startOurs('ours', database, generator, parameters);
  const series = new Series({
    target,
    title: operation,
    operation,
    connections: MANY_CONNECTIONS,
    seconds,
    warmUp: seconds,
    variables: variablesFor(target, operation),
  });
  const { rate, serverTime, wrong } = await series.measure();
  // Now it writes the profile, which is one of its whole life.
  await target.stop();

  if (wrong > 0) throw new Error(`${wrong} answers to ${operation} were wrong.`);
  const written = readProfile();
  const rows = (nameOf: (frame: Frame) => string): string[][] => {
    const times = selfTimes(written, nameOf);
    const total = [...times.values()].reduce((sum, time) => sum + time, 0);
    return [...times]
      .sort(([, a], [, b]) => b - a)
      .slice(0, LINES)
      .map(([name, time]) => [((time / total) * serverTime * 1e6).toFixed(1), name]);
  };
  return [
    `${operation}: ${Math.round(rate)}/s under the profiler, ${Math.round(serverTime * 1e6)} µs each`,
    table(['µs', 'package'], rows(packageOf)),
    table(['µs', 'function'], rows(functionOf)),
  ].join('\n\n');
}

function readProfile(): Profile {
  const [file = ''] = readdirSync(DIRECTORY);
  // Written by V8.
  return JSON.parse(readFileSync(join(DIRECTORY, file), 'utf8')) as Profile;
}

/** How long was spent at work itself, and not in what was called, by what `nameOf` makes of the functions. */
function selfTimes(
  { nodes, samples, timeDeltas }: Profile,
  nameOf: (frame: Frame) => string,
): Map<string, number> {
  const working = nodes.filter(({ callFrame }) => callFrame.functionName !== '(idle)');
  const names = new Map(working.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  samples.forEach((sample, index) => {
    const name = names.get(sample);
    if (name !== undefined) times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  });
  return times;
}

function functionOf({ functionName, url }: Frame): string {
  return `${functionName.slice(0, 40) || '(anonymous)'}  ${placeOf(url)}`;
}

/** `@apollo/server/dist/…` is of `@apollo/server`, `dist/src/store/…` of `dist/src/store`. */
function packageOf({ functionName, url }: Frame): string {
  if (url === '') return functionName.replace(/^RegExp: .*/, '(regular expressions)');
  if (url.startsWith('node:')) return 'Node.js';
  const path = placeOf(url);
  const segments = path.startsWith('dist/') ? 3 : path.startsWith('@') ? 2 : 1;
  return path.split('/').slice(0, segments).join('/');
}

/** A path in a package or in this project; what V8 and Node do themselves is nowhere. */
function placeOf(url: string): string {
  if (!url.startsWith('file:')) return url;
  const path = relative(ROOT, fileURLToPath(url));
  return path.split('node_modules/').at(-1) ?? path;
}
