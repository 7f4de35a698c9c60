/**
 * A history is set back under a running instance. Every client that follows lost transitions is told so, in pages and
 * in subscriptions, and the server serves none of them from memory.
 */
import { ask } from '../harness';
import { BEGINNING, cursorsOf, foreignCursor, oldCursor, placeIn } from '../harness/cursors';
import { keep } from '../harness/setBack';
import {
  type Subscriber,
  TRANSPORTS,
  type Transport,
  subscribe,
} from '../../packages/persistent-machine/test/harness/subscriber';
import { until } from '../../packages/persistent-machine/test/harness/until';
import { Scene, codesOf } from './Scene';

const ERROR = 50;

const FOLLOW = `subscription ($after: String, $events: [LifeEvent!]) {
  transitions(after: $after, events: $events) { cursor lifeId version }
}`;
const WATCH = 'subscription ($id: ID!) { lifeChanged(id: $id) { id version } }';
const PAGE = `query ($first: Int, $after: String, $last: Int, $before: String, $events: [LifeEvent!]) {
  transitions(first: $first, after: $after, last: $last, before: $before, events: $events) {
    nodes { cursor }
  }
}`;

let scene: Scene;
let subscribers: Subscriber[];

beforeEach(async () => {
  scene = await Scene.open();
  subscribers = [];
});

afterEach(async () => {
  await Promise.all(subscribers.map((subscriber) => subscriber.stop()));
  await scene.check();
});

afterEach(async () => {
  await scene.close();
});

function follow(
  transport: Transport,
  query: string,
  variables: Record<string, unknown> = {},
): Subscriber {
  const subscriber = subscribe(scene.server, transport, query, variables);
  subscribers.push(subscriber);
  return subscriber;
}

/** The error codes with which a subscription ended, over either transport. */
async function codesAtTheEnd(subscriber: Subscriber): Promise<unknown[]> {
  const ending = await subscriber.ended;
  const errors =
    ending.by === 'error' ? ending.error : (subscriber.results.at(-1)?.errors ?? ending);
  return (errors as { extensions: { code: unknown } }[]).map(({ extensions }) => extensions.code);
}

const cursorsIn = ({ results }: Subscriber): string[] =>
  results.flatMap(({ data }) => (data?.transitions ? [data.transitions.cursor as string] : []));

/**
 * Records three transitions, undoes them, and records others in their places, and one more.
 *
 * @param happened called before they are undone
 */
async function rewrite(happened: () => Promise<void> | undefined = () => undefined): Promise<{
  kept: readonly string[];
  lost: readonly string[];
  now: readonly string[];
}> {
  const kept = await cursorsOf(scene.owner);
  const restore = await keep(scene.owner);
  const id = await scene.conceive();
  await scene.mutate('birth', { id });
  await scene.mutate('die', { id });
  const lost = (await cursorsOf(scene.owner)).slice(kept.length);
  expect(lost).toHaveLength(3);
  await happened();
  await restore();
  for (let place = 0; place < 4; place += 1) await scene.conceive();
  return { kept, lost, now: await cursorsOf(scene.owner) };
}

const rewindings = (): unknown[] =>
  scene.server.logs.filter(
    ({ level, msg }) => level === ERROR && String(msg).startsWith('The history was set back'),
  );

describe.each(TRANSPORTS)('over %s', (transport) => {
  test('every open subscription ends with FEED_REWOUND, which the server logs once', async () => {
    const { server, owner } = scene;
    const [id, bystander] = [await scene.conceive(), await scene.conceive()];
    const kept = await cursorsOf(owner);
    const restore = await keep(owner);
    const open = [
      follow(transport, FOLLOW, { after: kept.at(-1) }),
      follow(transport, FOLLOW, { after: BEGINNING }),
      follow(transport, FOLLOW, { after: BEGINNING, events: ['BIRTH'] }),
      follow(transport, WATCH, { id }),
      follow(transport, WATCH, { id: bystander }),
    ];
    const [fromNow, all, births, changed, unchanged] = open as [
      Subscriber,
      Subscriber,
      Subscriber,
      Subscriber,
      Subscriber,
    ];
    await unchanged.untilReceived(1);
    await changed.untilReceived(1);
    await scene.mutate('birth', { id });
    await fromNow.untilReceived(1);
    await all.untilReceived(kept.length);
    await births.untilReceived(2);
    await changed.untilReceived(2);
    await restore();
    for (const subscriber of open) {
      expect(await codesAtTheEnd(subscriber)).toEqual(['FEED_REWOUND']);
    }
    expect(rewindings()).toHaveLength(1);

    const { census } = await scene.dataOf('{ census { cursor } }');
    expect(census.cursor).toBe(kept.at(-1));
    const anew = follow(transport, FOLLOW, { after: census.cursor });
    const watching = follow(transport, WATCH, { id });
    await scene.mutate('die', { id });
    await anew.untilReceived(1);
    await watching.untilReceived(2);
    expect(cursorsIn(anew)).toEqual((await cursorsOf(owner)).slice(kept.length));
    expect(server.logs.filter(({ level }) => Number(level) >= ERROR)).toHaveLength(1);
  });

  test('a subscriber that resumes gets no lost transition from the server’s memory', async () => {
    const { owner } = scene;
    const steady = follow(transport, FOLLOW, { after: BEGINNING });
    const before = await cursorsOf(owner);
    await steady.untilReceived(before.length - 1);
    const { lost, now } = await rewrite(() => steady.untilReceived(before.length - 1 + 3));
    const back = follow(transport, FOLLOW, { after: before.at(-2) });
    await back.untilReceived(now.length - before.length + 1);
    const reading = [...before.slice(0, -1), ...cursorsIn(back)];
    expect(reading).toEqual(await cursorsOf(owner, reading));
    expect(cursorsIn(back)).not.toEqual(expect.arrayContaining([lost[0]]));
    expect(await codesAtTheEnd(steady)).toEqual(['FEED_REWOUND']);
  });

  test('the cursor of a lost transition is refused, and any other works', async () => {
    const { kept, lost, now } = await rewrite();
    const restore = await keep(scene.owner);
    await scene.conceive();
    const beyond = (await cursorsOf(scene.owner)).at(-1);
    await restore();
    for (const after of [...lost, beyond, foreignCursor()]) {
      expect(await codesAtTheEnd(follow(transport, FOLLOW, { after }))).toEqual(['FEED_REWOUND']);
    }
    const subscriber = follow(transport, FOLLOW, { after: kept.at(-1) });
    await subscriber.untilReceived(now.length - kept.length);
    const reading = [...kept, ...cursorsIn(subscriber)];
    expect(reading).toEqual(await cursorsOf(scene.owner, reading));
  });

  test('a cursor of an older release works, and beyond the end it is malformed', async () => {
    const { kept, now } = await rewrite();
    const open = [0, kept.length - 1].map((position) => ({
      position,
      subscriber: follow(transport, FOLLOW, { after: oldCursor(position) }),
    }));
    for (const { position, subscriber } of open) {
      await subscriber.untilReceived(now.length - 1 - position);
      expect(cursorsIn(subscriber)).toEqual(now.slice(position + 1));
    }
    const old = follow(transport, FOLLOW, { after: oldCursor(now.length) });
    if (transport === 'WebSocket') {
      expect(await codesAtTheEnd(old)).toEqual(['BAD_USER_INPUT']);
    } else {
      expect(await old.ended).toMatchObject({ by: 'error', error: { response: { status: 400 } } });
    }
    await rewrite(() => open[0]?.subscriber.untilReceived(now.length - 1 + 3));
    for (const { subscriber } of open) {
      expect(await codesAtTheEnd(subscriber)).toEqual(['FEED_REWOUND']);
    }
  });
});

const SIDES = ['after', 'before'] as const;
const SELECTIONS = [{}, { first: 1 }, { last: 1 }, { first: 0 }, { events: ['DEATH'] }];

test('pages after or before a lost transition are refused, and any other works', async () => {
  const { kept, lost, now } = await rewrite();
  const restore = await keep(scene.owner);
  await scene.conceive();
  const beyond = (await cursorsOf(scene.owner)).at(-1) ?? '';
  await restore();
  for (const side of SIDES) {
    for (const selection of SELECTIONS) {
      for (const cursor of [...lost, beyond, foreignCursor()]) {
        const answer = await ask(scene.server, PAGE, { ...selection, [side]: cursor });
        expect(codesOf(answer)).toEqual(['FEED_REWOUND']);
        expect(answer.errors?.[0]?.message).toContain('continue after its cursor');
      }
      for (const cursor of [kept.at(-1), BEGINNING]) {
        await scene.dataOf(PAGE, { ...selection, [side]: cursor });
      }
    }
  }
  // The server checks each of the two cursors.
  const both = { after: kept.at(-1), before: lost.at(-1) };
  expect(codesOf(await ask(scene.server, PAGE, both))).toEqual(['FEED_REWOUND']);
  const { transitions } = await scene.dataOf(PAGE, { after: kept.at(-1), before: now.at(-1) });
  expect(transitions.nodes).toEqual(now.slice(kept.length, -1).map((cursor) => ({ cursor })));
});

test('pages after or before a cursor of an older release are given, and beyond the end it is malformed', async () => {
  const { kept, now } = await rewrite();
  for (const side of SIDES) {
    for (const selection of SELECTIONS) {
      const { errors } = await ask(scene.server, PAGE, {
        ...selection,
        [side]: oldCursor(now.length),
      });
      expect(errors).toMatchObject([
        { extensions: { code: 'BAD_USER_INPUT', fields: [{ path: side }] } },
      ]);
      for (const position of [0, kept.length - 1]) {
        await scene.dataOf(PAGE, { ...selection, [side]: oldCursor(position) });
      }
    }
  }
});

test('after a truncation only the cursor of the beginning works', async () => {
  const lost = await cursorsOf(scene.owner);
  const restore = await keep(scene.owner);
  await scene.owner.query('BEGIN');
  for (const table of ['lives', 'life_transitions', 'ledger']) {
    await scene.owner.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
  }
  await scene.owner.query('TRUNCATE lives, life_transitions');
  await scene.owner.query(`UPDATE ledger SET position = 0, counts = '{}'`);
  for (const table of ['lives', 'life_transitions', 'ledger']) {
    await scene.owner.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
  }
  await scene.owner.query('COMMIT');
  const { census } = await scene.dataOf('{ census { cursor } }');
  expect(placeIn(census.cursor)).toBe(placeIn(BEGINNING));
  expect(await scene.dataOf(PAGE, { after: BEGINNING })).toEqual({ transitions: { nodes: [] } });
  const answer = await ask(scene.server, PAGE, { after: lost.at(-1) });
  expect(codesOf(answer)).toEqual(['FEED_REWOUND']);
  await restore();
  await until(async () => (await cursorsOf(scene.owner)).length === lost.length);
});
