/**
 * REQUEST_TIMEOUT_MS limits the whole request, even if its document has many mutations, which run one after another.
 */
import { ask } from '../harness';
import { TRANSPORTS, subscribe } from '../../packages/persistent-machine/test/harness/subscriber';
import { Scene, codesOf } from './Scene';

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open({ REQUEST_TIMEOUT_MS: '2000' });
});

afterEach(async () => {
  await scene.check();
});

afterAll(async () => {
  await scene.close();
});

test('mutations after the deadline fail with OVERLOADED and are not applied, and the earlier ones have their results', async () => {
  const ids = await Promise.all(Array.from({ length: 6 }, async () => scene.conceive()));
  const [, locked = ''] = ids;
  const rival = await scene.connect();
  await rival.query('BEGIN');
  await rival.query('SELECT FROM lives WHERE id = $1 FOR UPDATE', [locked]);

  const mutations = ids.map((id, index) => `m${index}: birth(id: "${id}") { __typename }`);
  // This id is already conceived, so an applied conception leaves nothing behind.
  const conception = `m6: conceive(id: "${locked}") { __typename }`;
  const answer = await ask(scene.server, `mutation { ${[...mutations, conception].join(' ')} }`);

  const late = ['m1', 'm2', 'm3', 'm4', 'm5', 'm6'];
  expect(answer.data).toEqual({
    m0: { __typename: 'Alive' },
    ...Object.fromEntries(late.map((name) => [name, null])),
  });
  expect(answer.errors?.map(({ path, extensions }) => [path, extensions['code']])).toEqual(
    late.map((name) => [[name], 'OVERLOADED']),
  );
  await rival.query('ROLLBACK');
  for (const [index, id] of ids.entries()) {
    const events = (await scene.history(id)).map(({ event }) => event);
    expect(events).toEqual(index === 0 ? ['Conception', 'Birth'] : ['Conception']);
  }
});

test.each(TRANSPORTS)(
  'a subscription over %s has the deadline only for its beginning',
  async (transport) => {
    const [locked, other] = [await scene.conceive(), await scene.conceive()];
    const document = 'subscription { transitions { life { id version } } }';
    const subscriber = subscribe(scene.server, transport, document);
    try {
      // A subscription has begun once it delivers a transition.
      const beginning = setInterval(() => void scene.conceive(), 50);
      await subscriber.untilReceived(1);
      clearInterval(beginning);

      const rival = await scene.connect();
      await rival.query('BEGIN');
      await rival.query('SELECT FROM lives WHERE id = $1 FOR UPDATE', [locked]);
      // The deadline of this later request passes, so that of the subscription has passed as well.
      expect(codesOf(await scene.mutate('birth', { id: locked }))).toEqual(['OVERLOADED']);
      await rival.query('ROLLBACK');

      const received = subscriber.results.length;
      await scene.mutate('birth', { id: other });
      await subscriber.untilReceived(received + 1);
      expect(subscriber.results.map(({ errors }) => errors)).toEqual(
        subscriber.results.map(() => undefined),
      );
    } finally {
      await subscriber.stop();
    }
  },
);
