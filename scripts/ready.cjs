/**
 * Makes a checkout ready for a command: installs the packages if they differ from the lock file, and builds what is older
 * than its sources. It runs before any package is installed, so it needs only Node and npm. It does not know how anything
 * is built; package.json does.
 *
 *   node scripts/ready.cjs installed [program]
 *   node scripts/ready.cjs built [program]
 *
 * Then it runs the program in this process, so that a signal to the process reaches the program.
 */
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const { join } = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');

const ROOT = join(__dirname, '..');
const INSTALLED = 'node_modules/.package-lock.json';
const ENGINE = 'packages/persistent-machine';

/** What is built, in this order: the script, its sources, and a file that exists once it is built. */
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
    // The bundle contains packages.
    sources: ['web/src', 'web/index.html', 'web/vite.config.ts', 'web/package.json', INSTALLED],
    output: 'dist/web/index.html',
  },
];

/** Held by the process that installs or builds. Two at once would delete each other's output. */
const LOCK = join(ROOT, '.ready.lock');

/** The time between two looks at a lock that another process holds, in milliseconds. */
const LOOK_AGAIN = 100;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** The signal that arrived while npm ran. It ends this process once npm has ended. */
let received;
let running;

const receive = (signal) => {
  received ??= signal;
  running?.kill(signal);
};

/** Standard output belongs to the program. */
const say = (sentence) => console.error(sentence);

/** Compares contents, not times: git touches lock files that it does not change. */
function isInstalled() {
  const packagesOf = (file) => {
    if (!fs.existsSync(join(ROOT, file))) return undefined;
    return JSON.parse(fs.readFileSync(join(ROOT, file), 'utf8')).packages;
  };
  const [wanted, present] = [packagesOf('package-lock.json'), packagesOf(INSTALLED)];
  if (present === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    // The checkout itself is not installed, and neither are optional packages for other platforms.
    if (path === '' || (entry.optional && !(path in present))) return true;
    return JSON.stringify(entry) === JSON.stringify(present[path]);
  });
}

/** Includes directories: a deleted or renamed file changes its directory. */
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

/** @returns whether the packages are installed */
async function install() {
  if (isInstalled()) return true;
  const reason = fs.existsSync(join(ROOT, INSTALLED))
    ? 'they differ from package-lock.json'
    : 'none are installed';
  say(`Installing packages, since ${reason}. This takes about a minute.`);
  // No package needs its scripts, and our own script would build. A build needs the development packages, too.
  return npm('ci', '--ignore-scripts', '--include=dev', '--include=optional', ...QUIETLY);
}

const QUIETLY = ['--no-audit', '--no-fund', '--loglevel=error'];

/** @returns whether the unit is built */
async function build(unit) {
  const { script, output } = unit;
  if (isBuilt(unit)) return true;
  const path = join(ROOT, output);
  const isNew = !fs.existsSync(path);
  const what = script.replace('build:', 'the ');
  say(`Building ${what}, which ${isNew ? 'is not built yet' : 'is older than its sources'}.`);
  const begun = new Date();
  if (!(await npm('run', '--silent', script))) {
    // A half-built unit must not count as built.
    fs.rmSync(path, { force: true });
    return false;
  }
  // The build may have read a source before it was saved during the build.
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
    if (holder !== undefined && !isTold)
      say(`Waiting for process ${holder}, which installs or builds.`);
    await delay(LOOK_AGAIN);
  }
  try {
    return await work();
  } finally {
    fs.rmSync(LOCK);
  }
}

/** Removes the lock of a process that was killed. @returns undefined if the holder is not known */
function holderOfLock() {
  try {
    const holder = Number(fs.readFileSync(LOCK, 'utf8'));
    // The holder has not written its process id yet.
    if (holder === 0) return undefined;
    process.kill(holder, 0);
    return holder;
  } catch (error) {
    if (error.code === 'ESRCH') fs.rmSync(LOCK, { force: true });
    // The process runs, as another user.
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
    // The signal's sender sees what it would have seen without the build.
    if (received) process.kill(process.pid, received);
    process.exitCode = 1;
  } else if (program) {
    require(join(ROOT, program));
  }
}

void main(process.argv.slice(2));
