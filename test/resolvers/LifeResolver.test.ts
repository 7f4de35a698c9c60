/** The handwritten mutations pass on the deadline of their request, as the engine's own fields do. */
import { graphql } from 'graphql';
import { Overloaded } from 'persistent-machine/database/failures';
import type { Feed } from 'persistent-machine/feed/Feed';
import { type Context, Machines } from 'persistent-machine/graphql/context';
import { createSchema } from 'persistent-machine/graphql/schema';
import { uuidv7 } from 'uuidv7';
import { served } from '../../src/application';
import { lives as lifecycle } from '../../src/machine';
import { type TestStore, conceive, contentsOf, createStore } from '../api/store';

const schema = createSchema(served.machines);

let store: TestStore;

beforeAll(async () => {
  store = await createStore();
});

afterAll(async () => {
  await store.close();
});

test.each(['birth', 'die'])('%s does nothing after the deadline', async (mutation) => {
  const id = uuidv7();
  await conceive(store.lives, id);
  const owner = await store.connect();
  const before = await contentsOf(owner);
  const machines = new Machines();
  const { lives, reader } = store;
  // The test follows no subscription.
  const feed = undefined as unknown as Feed<typeof lifecycle>;
  machines.serve(lifecycle, { store: lives, reader, feed });
  const contextValue: Partial<Context> = {
    machines,
    observation: { refusal: undefined },
    actor: null,
    scopes: null,
    deadline: performance.now() - 1,
  };
  const source = `mutation { ${mutation}(id: "${id}") { __typename } }`;
  const { errors } = await graphql({ schema, source, contextValue });
  expect(errors?.map(({ originalError }) => originalError)).toEqual([expect.any(Overloaded)]);
  expect(await contentsOf(owner)).toEqual(before);
});
