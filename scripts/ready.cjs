/**
 * Makes a checkout ready for a command: installs the packages where the lock file wants others than there are, and builds
 * what is older than its sources. It runs before there is any package, so it needs Node and npm alone. Does not know how
 * anything is built: package.json does.
 *
 *   node scripts/ready.cjs installed [program]
 *   node scripts/ready.cjs built [program]
 *
 * Then it becomes the program: a signal that is sent to this process always reaches what runs in it.
 */
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const { join } = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');

const ROOT = join(__dirname, '..');
const INSTALLED = 'node_modules/.package-lock.json';
const ENGINE = 'packages/persistent-machine';

/** What is built, in this order: by which script, of what, and a file that is there once it is. */
const BUILDS = [
  {
    script: 'build:engine',
    sources: [
      `${ENGINE}/src`,
      `${ENGINE}/package.json`,
      `${ENGINE}/tsconfig.build.json`,
      'tsconfig.json',
    ],
    output: `${ENGINE}/dist/serve.js`,
  },
  {
    script: 'build:application',
    sources: [
      'src',
      'migrations',
      'ormconfig.ts',
      'tsconfig.build.json',
      'tsconfig.json',
      `${ENGINE}/dist/serve.js`,
    ],
    output: 'dist/src/main.js',
  },
  {
    script: 'build:dashboard',
    // What is built has the packages in it.
    sources: ['web/src', 'web/index.html', 'web/vite.config.ts', 'web/package.json', INSTALLED],
    output: 'dist/web/index.html',
  },
];

/** Held by the process that installs or builds: two at once would each delete what the other has made. */
const LOCK = join(ROOT, '.ready.lock');

/** How long until a lock that another process holds is looked at again, in milliseconds. */
const LOOK_AGAIN = 100;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** What was received while a command ran; it ends this process as soon as that command has ended. */
let received;
let running;

const receive = (signal) => {
  received ??= signal;
  running?.kill(signal);
};

/** Standard output belongs to the program. */
const say = (sentence) => console.error(sentence);

/** By content, not by time: git touches a lock file that it does not change. */
function isInstalled() {
  const packagesOf = (file) => {
    if (!fs.existsSync(join(ROOT, file))) return undefined;
    return JSON.parse(fs.readFileSync(join(ROOT, file), 'utf8')).packages;
  };
  const [wanted, present] = [packagesOf('package-lock.json'), packagesOf(INSTALLED)];
  if (present === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    // The checkout itself is not installed, nor what is for other machines.
    if (path === '' || (entry.optional && !(path in present))) return true;
    return JSON.stringify(entry) === JSON.stringify(present[path]);
  });
}

/** Directories count: what was deleted or renamed has changed its directory. */
function changedAt(path) {
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  const within = stat.isDirectory() ? fs.readdirSync(path) : [];
  return Math.max(stat.mtimeMs, ...within.map((name) => changedAt(join(path, name))));
}

function isBuilt({ sources, output }) {
  const builtAt = changedAt(join(ROOT, output));
  return sources.every((source) => changedAt(join(ROOT, source)) < builtAt);
}

async function npm(...parameters) {
  if (received) return false;
  running = spawn('npm', parameters, { cwd: ROOT, stdio: ['ignore', 2, 2] });
  const [code] = await once(running, 'exit');
  running = undefined;
  return code === 0 && !received;
}

/** @returns whether it did */
async function install() {
  if (isInstalled()) return true;
  const reason = fs.existsSync(join(ROOT, INSTALLED))
    ? 'package-lock.json wants others than there are'
    : 'there are none yet';
  say(`Installing packages, since ${reason}. It takes about a minute.`);
  // No package needs its scripts, and ours would build. Development and production need the same to build.
  return npm('ci', '--ignore-scripts', '--include=dev', '--include=optional', ...QUIETLY);
}

const QUIETLY = ['--no-audit', '--no-fund', '--loglevel=error'];

/** @returns whether it did */
async function build(unit) {
  const { script, output } = unit;
  if (isBuilt(unit)) return true;
  const path = join(ROOT, output);
  const isNew = !fs.existsSync(path);
  const what = script.replace('build:', 'the ');
  say(`Building ${what}, which ${isNew ? 'is not built yet' : 'is older than its sources'}.`);
  const begun = new Date();
  if (!(await npm('run', '--silent', script))) {
    // What was half built is not built.
    fs.rmSync(path, { force: true });
    return false;
  }
  // A source that was saved meanwhile may have been read before.
  fs.utimesSync(path, begun, begun);
  return true;
}

async function alone(work) {
  for (let isTold = false; ; isTold = true) {
    try {
      fs.writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (received) return false;
    const holder = holderOfLock();
    if (holder !== undefined && !isTold) say(`Waiting for process ${holder}, which does the same.`);
    await delay(LOOK_AGAIN);
  }
  try {
    return await work();
  } finally {
    fs.rmSync(LOCK);
  }
}

/** @returns undefined where none is known; the lock of a process that was killed is removed */
function holderOfLock() {
  try {
    const holder = Number(fs.readFileSync(LOCK, 'utf8'));
    // It has not said its number yet.
    if (holder === 0) return undefined;
    process.kill(holder, 0);
    return holder;
  } catch (error) {
    if (error.code === 'ESRCH') fs.rmSync(LOCK, { force: true });
    // Another user's process runs, too.
    else if (error.code === 'EPERM') return fs.readFileSync(LOCK, 'utf8');
    else if (error.code !== 'ENOENT') throw error;
    return undefined;
  }
}

async function makeReady(builds) {
  if (isInstalled() && builds.every(isBuilt)) return true;
  for (const signal of SIGNALS) process.on(signal, receive);
  const isReady = await alone(async () => {
    if (!(await install())) return false;
    for (const unit of builds) if (!(await build(unit))) return false;
    return true;
  });
  for (const signal of SIGNALS) process.off(signal, receive);
  return isReady;
}

async function main([state, program]) {
  if (!(await makeReady(state === 'built' ? BUILDS : []))) {
    // As if nothing had held it up.
    if (received) process.kill(process.pid, received);
    process.exitCode = 1;
  } else if (program) {
    require(join(ROOT, program));
  }
}

void main(process.argv.slice(2));
