/**
 * Shows where the CPU time of the product's process goes under a load: samples of V8's profiler, summed by package
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

/** The parts of a profile in Chrome's format that are read. */
interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Frame {
  readonly functionName: string;
  /** The URL of a file; empty for native code. */
  readonly url: string;
}

/** The folder that V8 writes to. It is kept for other tools. */
const DIRECTORY = join(__dirname, '.profiles');
const ROOT = join(__dirname, '..');
/** The most packages and functions that are shown. */
const LINES = 30;

/** @returns a text with the microseconds per answer by package and function, the most first */
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
  // It writes the profile of its whole run when it stops.
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

/** Sums the self time of functions by the name that `nameOf` gives them. */
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

/** `@apollo/server/dist/…` belongs to `@apollo/server`, and `dist/src/store/…` to `dist/src/store`. */
function packageOf({ functionName, url }: Frame): string {
  if (url === '') return functionName.replace(/^RegExp: .*/, '(regular expressions)');
  if (url.startsWith('node:')) return 'Node.js';
  const path = placeOf(url);
  const segments = path.startsWith('dist/') ? 3 : path.startsWith('@') ? 2 : 1;
  return path.split('/').slice(0, segments).join('/');
}

/** A path in a package or in this project. Node's own URLs stay as they are. */
function placeOf(url: string): string {
  if (!url.startsWith('file:')) return url;
  const path = relative(ROOT, fileURLToPath(url));
  return path.split('node_modules/').at(-1) ?? path;
}
