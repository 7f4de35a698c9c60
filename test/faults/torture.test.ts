/**
 * Two server processes on one PostgreSQL, each over a network of its own, under random load. Servers are killed,
 * PostgreSQL, or a worker of its cluster, crashes, and the networks fail in every way. In the end the database holds exactly the acknowledged
 * changes, once, and every subscriber has had all of the feed.
 */
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import { contentsOf } from '../api/store';
import { type Answer, ask } from '../harness';
import { type CrashableDatabase, startCrashable } from '../harness/crashable';
import { BEGINNING, cursorsOf } from '../harness/cursors';
import { Proxy } from '../harness/proxy';
import { type ServerProcess, serverOf, startProcess } from '../harness/serverProcess';
import { TRANSPORTS } from '../../packages/persistent-machine/test/harness/subscriber';
import { type Change, Clients, type Row, countsOf, liesAmong, resolveAll } from './clients';
import { problemsOf } from './integrity';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { Wanderer } from './Wanderer';

/** The duration in seconds. `npm run test:torture` sets a longer one. */
const DURATION = Number(process.env['TORTURE_SECONDS'] ?? 15);
/** Repeats the load and the faults of an earlier run, but not which requests the faults hit. */
const SEED = Number(process.env['TORTURE_SEED'] ?? Date.now());

const CLIENTS = 16;
/** How many lives the clients use at the same time. After some steps they drop each for a new one. */
const CONTENDED_LIVES = 8;
const STEPS_PER_LIFE = 12;
/** The servers' request timeout in milliseconds: shorter than an outage, so that answers of all kinds occur. */
const REQUEST_TIMEOUT = 1_500;
/** How soon changes must succeed again after PostgreSQL accepts connections, in milliseconds. */
const RECOVERY = 5_000;

jest.setTimeout((DURATION + 120) * 1_000);

const step = fc.record({
  what: fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        change: fc.constantFrom<Change>('conceive', 'birth', 'birth', 'die'),
        keyed: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.constant('retry' as const) },
    { weight: 2, arbitrary: fc.constant('look' as const) },
  ),
  life: fc.nat(CONTENDED_LIVES - 1),
  server: fc.nat(1),
});

/** All faults. Each happens once before any of them happens again. */
const MISCHIEFS = [
  'kill a server',
  'crash the database',
  'crash the database, and kill a server meanwhile',
  'latency',
  'black hole',
  'refuse for longer than a request waits',
  'reset',
  'cut before it is sent',
  'cut after it was sent',
  'cut once it was answered',
] as const;
type Mischief = (typeof MISCHIEFS)[number];

const CUTS = {
  'cut before it is sent': 'before the database gets it',
  'cut after it was sent': 'while the database runs it',
  'cut once it was answered': 'once the database has answered',
} as const;
const CHANGES = ['lives/swap', 'lives/begin'] as const;

/** A server that can be killed, and its network to the database. */
interface Instance {
  readonly network: Proxy;
  process: ServerProcess;
}

let database: CrashableDatabase;
let instances: readonly [Instance, Instance];
/** The servers' addresses, which stay the same. */
let places: readonly [{ readonly url: string }, { readonly url: string }];
let owner: Client;

beforeAll(async () => {
  database = await startCrashable();
  const begin = async (): Promise<Instance> => {
    const network = await Proxy.to(database.url);
    return { network, process: await start(network) };
  };
  instances = [await begin(), await begin()];
  const [first, second] = instances;
  places = [serverOf(first.process), serverOf(second.process)];
});

afterAll(async () => {
  await Promise.all(instances.map(({ process }) => process.stop()));
  for (const { network } of instances) await network.stop();
  await owner.end();
  await database.stop();
});

async function start(network: Proxy, port = '0'): Promise<ServerProcess> {
  return startProcess({
    DATABASE_URL: network.url,
    PORT: port,
    REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT),
  });
}

/** A session with a direct connection to PostgreSQL. */
async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** null: no answer, or an incomplete one. */
async function send(
  server: number,
  document: string,
  variables: Record<string, unknown>,
): Promise<Answer | null> {
  const place = places[server];
  return place ? ask(place, document, variables).catch(() => null) : null;
}

/** Takes steps until the end of the run. */
async function load(clients: Clients, isOver: () => boolean): Promise<void> {
  const steps = fc.sample(step, { numRuns: 10_000, seed: SEED });
  const ids = Array.from({ length: CONTENDED_LIVES }, () => uuidv7());
  let taken = 0;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (!isOver()) {
        const next = steps[taken % steps.length];
        taken += 1;
        if (next === undefined) return;
        if (taken % STEPS_PER_LIFE === 0) ids[next.life] = uuidv7();
        const id = ids[next.life] ?? '';
        const before = clients.wishes.length;
        if (next.what === 'look') {
          await clients.look(id, next.server);
        } else if (next.what === 'retry') {
          const again = clients.wishes
            .slice(-50)
            .filter(({ retryWith }) => retryWith !== undefined);
          const wish = again[taken % again.length];
          if (wish) await clients.ask(wish, next.server);
        } else {
          await clients.ask(clients.wish(next.what.change, id, next.what.keyed), next.server);
        }
        // A client that is refused at once pauses before its next step.
        const last = clients.wishes[before]?.answers.at(-1)?.as.kind;
        if (last === 'failed' || last === 'unknown') await setTimeout(20);
      }
    }),
  );
}

/** All faults in a random order, again and again. */
function* mischiefs(): Generator<{
  readonly mischief: Mischief;
  readonly victim: 0 | 1;
  readonly amount: number;
}> {
  for (let round = 0; ; round += 1) {
    const [order = []] = fc.sample(
      fc.shuffledSubarray([...MISCHIEFS], { minLength: MISCHIEFS.length }),
      { numRuns: 1, seed: SEED + round },
    );
    const amounts = fc.sample(fc.nat(1_000), { numRuns: order.length, seed: SEED + round });
    for (const [index, mischief] of order.entries()) {
      const amount = amounts[index] ?? 0;
      yield { mischief, victim: amount % 2 === 0 ? 0 : 1, amount };
    }
  }
}

async function kill(victim: Instance): Promise<void> {
  victim.process.child.kill('SIGKILL');
  await victim.process.ended;
}

async function startAgain(victim: Instance): Promise<void> {
  const { port } = new URL(serverOf(victim.process).url);
  victim.process = await start(victim.network, port);
  serverOf(victim.process);
}

/** @returns the time in milliseconds from when PostgreSQL accepts connections until changes succeed on each server */
async function recovery(clients: Clients, live: readonly number[]): Promise<number> {
  await database.untilItIsBack();
  const since = performance.now();
  await Promise.all(
    live.map(async (server) =>
      until(async () => {
        const wish = clients.wish('conceive', uuidv7(), true);
        await clients.ask(wish, server);
        return wish.answers.at(-1)?.as.kind === 'done';
      }),
    ),
  );
  return performance.now() - since;
}

/** Causes one fault, and ends it. @returns the durations of the recoveries in milliseconds */
async function play(
  clients: Clients,
  mischief: Mischief,
  victim: 0 | 1,
  amount: number,
): Promise<number[]> {
  const instance = instances[victim];
  const { network } = instance;
  switch (mischief) {
    case 'kill a server':
      await kill(instance);
      await startAgain(instance);
      return [];
    case 'crash the database':
      await database.crash();
      return [await recovery(clients, [0, 1])];
    case 'crash the database, and kill a server meanwhile': {
      await database.crash();
      await kill(instance);
      // The new server may be up before PostgreSQL, and wait for it.
      const [took] = await Promise.all([recovery(clients, [1 - victim]), startAgain(instance)]);
      return [took, await recovery(clients, [victim])];
    }
    case 'latency':
      network.slow({ latency: 20 + amount / 5 });
      await setTimeout(800);
      break;
    case 'black hole':
      network.silence();
      await setTimeout(REQUEST_TIMEOUT + amount);
      // The server has given up these connections. What it had sent over them would arrive after `heal`.
      break;
    case 'refuse for longer than a request waits':
      network.refuse();
      await setTimeout(REQUEST_TIMEOUT + amount);
      break;
    case 'reset':
      network.resetAll();
      break;
    case 'cut before it is sent':
    case 'cut after it was sent':
    case 'cut once it was answered':
      for (const statement of CHANGES) {
        void network.cut(statement, CUTS[mischief], { thenRefuse: amount % 3 === 0 });
      }
      await setTimeout(amount);
  }
  await network.heal();
  return [];
}

test('whatever fails, every answer is true, subscribers miss nothing, and the servers recover by themselves', async () => {
  try {
    const clients = new Clients(send);
    const bystander = clients.wish('conceive', uuidv7(), true);
    await clients.ask(bystander, 0);
    owner = await connect(database.url);
    const before = await contentsOf(owner);
    expect(before.lives).toHaveLength(1);

    const stays = fc.sample(fc.integer({ min: 1, max: 300 }), { numRuns: 50, seed: SEED });
    const wanderers = TRANSPORTS.map(
      (transport, index) =>
        new Wanderer(index === 0 ? places : [...places].reverse(), transport, BEGINNING, stays),
    );
    const wandering = wanderers.map((wanderer) => wanderer.wander());

    let over = false;
    const loading = load(clients, () => over);
    const end = performance.now() + DURATION * 1_000;
    const recoveries: number[] = [];
    let played = 0;
    for (const { mischief, victim, amount } of mischiefs()) {
      if (performance.now() > end && played >= MISCHIEFS.length) break;
      recoveries.push(...(await play(clients, mischief, victim, amount)));
      played += 1;
    }
    over = true;
    await loading;
    const counts = countsOf(clients);
    let turn = 0;
    await resolveAll(clients, () => (turn += 1) % 2);

    await owner.end();
    owner = await connect(database.url);
    const { rows } = await owner.query<Row & { position: string }>(
      'SELECT * FROM life_transitions ORDER BY position',
    );
    expect(liesAmong(clients, rows)).toEqual([]);
    expect(await problemsOf(owner)).toEqual([]);
    const after = await contentsOf(owner);
    expect(after.lives).toEqual(expect.arrayContaining([...before.lives]));
    expect(after.transitions).toEqual(expect.arrayContaining([...before.transitions]));
    expect(rows.filter(({ life_id: id }) => id === bystander.id)).toHaveLength(1);

    const { length } = await cursorsOf(owner);
    for (const wanderer of wanderers) {
      await until(() => wanderer.cursors.length >= length);
    }
    await Promise.all(wanderers.map((wanderer) => wanderer.stop()));
    await Promise.all(wandering);
    for (const { cursors } of wanderers) expect(cursors).toEqual(await cursorsOf(owner, cursors));

    // The run was long enough to mean something.
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(0);
    expect(counts.done).toBeGreaterThan(100);
    expect(recoveries.length).toBeGreaterThanOrEqual(3);
    for (const took of recoveries) expect(took).toBeLessThan(RECOVERY);
    for (const { process } of instances) {
      expect(process.logs.filter(({ level }) => Number(level) >= 50)).toEqual([]);
    }
  } catch (error) {
    throw new Error(`Run it again with TORTURE_SEED=${SEED}`, { cause: error });
  }
});
