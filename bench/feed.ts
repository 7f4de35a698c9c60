/**
 * The live feed: how soon many subscribers get a transition, what idle subscribers cost the writers, and how fast a
 * subscriber catches up.
 */
import type { Cluster } from './database/cluster';
import { TRANSITIONS_OF_TEN, loadLives } from './database/million';
import type { Throughput } from './load/load';
import type { CatchUp, CountDisturbances, FeedReading, Follow, Stay } from './load/subscribers';
import { memoryOf } from './memory';
import { Worker } from './processes';
import { Series, median } from './series';
import { MANY_CONNECTIONS, type Settings } from './settings';
import { startOurs } from './targets/ours';
import { freshLives } from './variables';

export const NO_SUBSCRIBERS = 'no subscribers';
export const IDLE = 'idle subscribers';

/** Live subscribers, each of which gets every transition. */
export interface Delivery {
  readonly title: string;
  readonly subscribers: number;
  readonly perSecond: number;
  /** Counts deliveries: from just before the mutation is sent until the subscriber has the transition. */
  readonly throughput: Throughput;
  /** The server's memory in bytes: without subscribers, and after all of them have got one transition. */
  readonly memory?: { readonly before: number; readonly subscribed: number };
}

/** Repeated readings of the same transitions. */
export interface Readings {
  readonly title: string;
  readonly readings: readonly FeedReading[];
  /** The median in rows per second. */
  readonly rate: number;
}

export interface Feed {
  readonly deliveries: readonly Delivery[];
  readonly subscriber: Readings;
  readonly plain: Readings;
}

/** What every measurement needs. */
interface Scene {
  readonly cluster: Cluster;
  readonly generator: Worker;
  readonly settings: Settings;
}

/** @param measure measures series round by round */
export async function measureFeed(
  cluster: Cluster,
  generator: Worker,
  settings: Settings,
  measure: (series: readonly Series[]) => Promise<void>,
  tell: (delivery: Delivery) => void,
): Promise<Feed> {
  const scene = { cluster, generator, settings };
  const follower = await Worker.start('load/subscribers.ts');
  const deliveries: Delivery[] = [];
  for (const [subscribers, perSecond] of [
    [settings.subscribers, 10],
    [settings.subscribers / 10, 100],
  ] as const) {
    const delivery = await measureDelivery(scene, follower, subscribers, perSecond);
    tell(delivery);
    deliveries.push(delivery);
  }
  await measureBeside(scene, measure);
  const { live, ...readings } = await measureCatchingUp(scene, follower);
  tell(live);
  await follower.stop();
  return { deliveries: [...deliveries, live], ...readings };
}

/** Uses a server that has just started, so that all growth of its memory is due to the subscribers. */
async function measureDelivery(
  { cluster, generator, settings }: Scene,
  follower: Worker,
  subscribers: number,
  perSecond: number,
): Promise<Delivery> {
  const database = await cluster.createDatabase(`feed_at_${perSecond}`);
  const target = await startOurs('feed', database, generator);
  const ids = await target.conceive(1 + perSecond * settings.delivery);
  await database.settle();
  const before = memoryOf(target.pid ?? 0);
  let subscribed = NaN;
  const question: Follow = { ask: 'follow', url: target.url, subscribers, perSecond, ids };
  const throughput = await follower.ask<Throughput>(question, () => {
    subscribed = memoryOf(target.pid ?? 0);
  });
  await target.stop();
  return { title: 'live', subscribers, perSecond, throughput, memory: { before, subscribed } };
}

/**
 * Compares births on a server whose subscribers follow lives that do not change with births on a server without any.
 */
async function measureBeside(
  { cluster, generator, settings }: Scene,
  measure: (series: readonly Series[]) => Promise<void>,
): Promise<void> {
  const unsubscribed = await startOurs(
    NO_SUBSCRIBERS,
    await cluster.createDatabase('unsubscribed'),
    generator,
  );
  const idle = await startOurs(IDLE, await cluster.createDatabase('idle'), generator);
  const subscribers = await Worker.start('load/subscribers.ts');
  const stay: Stay = { ask: 'stay', url: idle.url, ids: await idle.conceive(settings.subscribers) };
  await subscribers.ask(stay);
  await measure(
    [unsubscribed, idle].map(
      (target) =>
        new Series({
          target,
          title: 'birth',
          operation: 'birth',
          connections: MANY_CONNECTIONS,
          seconds: settings.seconds,
          warmUp: settings.warmUp,
          variables: freshLives(target),
        }),
    ),
  );
  const count: CountDisturbances = { ask: 'countDisturbances' };
  const disturbances = await subscribers.ask<number>(count);
  if (disturbances !== 0) {
    throw new Error(`Subscribers to unchanged lives got ${disturbances} results.`);
  }
  await subscribers.stop();
  await idle.stop();
  await unsubscribed.stop();
}

/**
 * Measures a subscriber that catches up with the whole feed, and plain pg that reads the same rows, by turns. Meanwhile
 * another subscriber follows the feed live.
 */
async function measureCatchingUp(
  { cluster, generator, settings }: Scene,
  follower: Worker,
): Promise<Pick<Feed, 'subscriber' | 'plain'> & { readonly live: Delivery }> {
  const count = settings.transitions;
  const database = await cluster.createDatabase('catch_up');
  const target = await startOurs('catch up', database, generator);
  await loadLives(database.administrator, 10 * Math.ceil(count / TRANSITIONS_OF_TEN));
  const perSecond = 10;
  const ids = await target.conceive(1 + perSecond * settings.delivery);
  await database.settle();
  const late = await Worker.start('load/subscribers.ts');
  const plain = await Worker.start('targets/rawFeed.ts', { DATABASE_URL: database.url });
  const question: CatchUp = { ask: 'catchUp', url: target.url, count };
  const readings: { late: FeedReading; plain: FeedReading }[] = [];
  const readByTurns = async (seconds: number, atLeast: number): Promise<void> => {
    const end = performance.now() + seconds * 1_000;
    while (readings.length < atLeast || performance.now() < end) {
      readings.push({
        late: await late.ask<FeedReading>(question),
        plain: await plain.ask<FeedReading>(question),
      });
    }
  };

  // Lets V8 compile the code of each process first.
  await readByTurns(0, 1);
  readings.length = 0;
  const follow: Follow = { ask: 'follow', url: target.url, subscribers: 1, perSecond, ids };
  const throughput = await new Promise<Throughput>((resolve, reject) => {
    const following = follower.ask<Throughput>(follow, () => {
      Promise.all([following, readByTurns(settings.delivery, settings.rounds)]).then(([told]) => {
        resolve(told);
      }, reject);
    });
    following.catch(reject);
  });
  await late.stop();
  await plain.stop();
  await target.stop();

  const of = (title: string, some: readonly FeedReading[]): Readings => ({
    title,
    readings: some,
    rate: median(some.map(({ rows, seconds }) => rows / seconds)),
  });
  return {
    live: { title: 'while one catches up', subscribers: 1, perSecond, throughput },
    subscriber: of(
      'a subscriber',
      readings.map((each) => each.late),
    ),
    plain: of(
      'plain pg',
      readings.map((each) => each.plain),
    ),
  };
}
