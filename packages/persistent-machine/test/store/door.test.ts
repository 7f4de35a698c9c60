/** Tests doors, whose events carry no data: which statements the store sends for them, and which it does not. */
import { IdempotencyKeyReused, type Moment, classes } from '../../src/machine';
import { startInstance } from '../describeMachine/Instance';
import { Closed, type DoorPhase, Locked, Open, door, doors } from '../machine/door';
import { KeptMachines, anonymous, newId } from './KeptMachines';

let kept: KeptMachines<typeof doors>;
let bystander: DoorPhase;

async function install(): Promise<string> {
  const id = newId();
  await kept.store.begin(id, {}, anonymous);
  return id;
}

beforeAll(async () => {
  kept = await KeptMachines.of(doors);
});

afterAll(async () => {
  await kept.close();
});

beforeEach(async () => {
  bystander = await kept.store.begin(newId(), {}, anonymous);
});

afterEach(async () => {
  expect(await kept.store.find(bystander.state.id)).toEqual(bystander);
});

test('no statement of a machine whose events carry nothing has a clause for data', async () => {
  const id = await install();
  await kept.statementsOf(async () => {
    await install();
    await kept.store.transition(id, 'Opening', {}, { ...anonymous, idempotencyKey: 'key' });
    await kept.reader.history(id, { from: 'start', size: 1 });
    await kept.reader.feed(null, { from: 'start', size: 1 });
    await kept.reader.past(id, { version: 1 });
  });
  expect(kept.database.sent.length).toBeGreaterThan(5);
  for (const { text } of kept.database.sent) expect(text).not.toMatch(/\bdata\b/);
});

test('a request with a key sends no more statements than one without', async () => {
  const [id, other] = [newId(), newId()];
  const begin = async (): Promise<unknown> => kept.store.begin(id, {}, anonymous);
  const open = async (of: string, idempotencyKey?: string): Promise<unknown> =>
    kept.store.transition(of, 'Opening', {}, { ...anonymous, idempotencyKey });
  expect(await kept.statementsOf(begin)).toEqual(['doors/begin']);
  expect(await kept.statementsOf(begin)).toEqual(['doors/begin', 'doors/find-version']);
  expect(await kept.statementsOf(async () => open(id))).toEqual(['doors/find', 'doors/swap']);
  expect(await kept.statementsOf(async () => open(id))).toEqual(['doors/find']);
  await kept.store.begin(other, {}, anonymous);
  expect(await kept.statementsOf(async () => open(other, 'key'))).toEqual([
    'doors/find-with-key',
    'doors/swap',
  ]);
  expect(await kept.statementsOf(async () => open(other, 'key'))).toEqual(['doors/find-with-key']);
});

test.each([
  `retry:2:${newId()}`,
  'retry:999999999:00000000-0000-0000-0000-000000000000',
  'retry:2:',
  'retry:99999999999:00000000-0000-0000-0000-000000000000',
])('the key of a caller may look like one of the store’s own: %s', async (idempotencyKey) => {
  const request = { ...anonymous, idempotencyKey };
  const id = await install();
  const opened = await kept.store.transition(id, 'Opening', {}, request);
  expect(opened).toBeInstanceOf(Open);
  const contents = await kept.contents();
  expect(await kept.store.transition(id, 'Opening', {}, request)).toEqual(opened);
  expect(await kept.store.transition(id, 'Closing', {}, request)).toEqual(
    new IdempotencyKeyReused(idempotencyKey),
  );
  expect(await kept.contents()).toEqual(contents);
});

describe('a programming error is thrown at once, and changes nothing:', () => {
  /** A wrong implementation of `unlock`. */
  type Fault = (locked: Locked, at: Moment) => DoorPhase;
  let fault: Fault;

  class Faulty extends Locked {
    override unlock(at: Moment): Closed {
      // A class written without types could do all of this.
      return fault(this, at) as Closed;
    }
  }
  const faulty: typeof Locked = Faulty;
  const faultyDoors = classes(door, { ...doors.classes, Locked: faulty });

  const FAULTS: Readonly<Record<string, Fault>> = {
    'a verb that returns its own phase': (locked) => locked,
    'a verb that leads to another state': (locked, at) =>
      new Open({ ...locked.state, version: 3, stateType: 'Open', movedAt: at.now }),
    'a verb that skips a version': (locked, at) =>
      new Closed({ ...locked.state, version: 4, stateType: 'Closed', movedAt: at.now }),
  };

  test.each(Object.entries(FAULTS))('%s', async (_what, unlock) => {
    const id = await install();
    await kept.store.transition(id, 'Locking', {}, anonymous);
    fault = unlock;
    const contents = await kept.contents();
    const { store, stop } = await startInstance(faultyDoors, kept.url, () => new Date());
    await expect(store.transition(id, 'Unlocking', {}, anonymous)).rejects.toThrow(TypeError);
    await stop();
    expect(await kept.contents()).toEqual(contents);
    expect(await kept.store.transition(id, 'Unlocking', {}, anonymous)).toBeInstanceOf(Closed);
  });

  test.each([
    ['an event that does not exist', 'Openign'],
    ['the initial event', 'Installation'],
    ['the name of a property that every object has', 'constructor'],
  ])('%s', async (_what, event) => {
    const id = await install();
    const sent = await kept.statementsOf(async () => {
      await expect(kept.store.transition(id, event as 'Opening', {}, anonymous)).rejects.toThrow(
        TypeError,
      );
    });
    expect(sent).toEqual([]);
    expect(await kept.store.transition(id, 'Opening', {}, anonymous)).toBeInstanceOf(Open);
  });
});
