/** REQUEST_TIMEOUT_MS is the whole request's, however many mutations one document has, which run one after another. */
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

test('what is not done at the deadline is OVERLOADED at its place, and not applied; what was done is told', async () => {
  const ids = await Promise.all(Array.from({ length: 6 }, async () => scene.conceive()));
  const [, locked = ''] = ids;
  const rival = await scene.connect();
  await rival.query('BEGIN');
  await rival.query('SELECT FROM lives WHERE id = $1 FOR UPDATE', [locked]);

  const mutations = ids.map((id, index) => `m${index}: birth(id: "${id}") { __typename }`);
  // Its id has been conceived before, so that nothing is left behind if it is applied.
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

test.each(TRANSPORTS)('a subscription over %s has it for beginning only', async (transport) => {
  const [locked, other] = [await scene.conceive(), await scene.conceive()];
  const document = 'subscription { transitions { life { id version } } }';
  const subscriber = subscribe(scene.server, transport, document);
  try {
    // Once it has been shown something, it has begun.
    const beginning = setInterval(() => void scene.conceive(), 50);
    await subscriber.untilReceived(1);
    clearInterval(beginning);

    const rival = await scene.connect();
    await rival.query('BEGIN');
    await rival.query('SELECT FROM lives WHERE id = $1 FOR UPDATE', [locked]);
    // Of a later request, hence the subscription's own has passed, too.
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
});
