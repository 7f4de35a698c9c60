/**
 * Preloaded into a process whose wall clock a test sets. On SIGUSR2 the clock shifts by the milliseconds in the file
 * CLOCK_FILE, and the process logs that. Its other clocks are unaffected.
 */
const { readFileSync } = require('node:fs');
const { isMainThread } = require('node:worker_threads');

const SystemDate = Date;
let offset = 0;
const now = () => SystemDate.now() + offset;

globalThis.Date = new Proxy(SystemDate, {
  construct: (target, given, self) =>
    Reflect.construct(target, given.length > 0 ? given : [now()], self),
  get: (target, property) => (property === 'now' ? now : Reflect.get(target, property)),
});

if (isMainThread) {
  process.on('SIGUSR2', () => {
    offset = Number(readFileSync(process.env.CLOCK_FILE, 'utf8'));
    console.log(JSON.stringify({ msg: 'The clock was set' }));
  });
}
