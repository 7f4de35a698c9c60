/**
 * Owns the place in which a suite tries a machine: a database with two instances, bystanders in every state, and a
 * clock that only tests move. Knows how to bring a machine into a state, and not what is tried on it.
 */
import { uuidv7 } from 'uuidv7';
import { type Shape, shapeOf } from '../../src/integrity/shape';
import { type AnyLifecycle, type MachinePhase, Refusal } from '../../src/machine';
import type { MigratedDatabase } from '../integrity/describeIntegrity';
import { hours, sqlOf } from '../integrity/samples';
import { Session } from '../integrity/session';
import { type Instance, startInstance } from './Instance';
import type { SampleData } from './sampleData';
import { type Walk, type Ways, momentOf } from './Ways';

/** All rows of a machine's tables. */
export interface Contents {
  readonly records: readonly object[];
  readonly history: readonly object[];
  readonly ledger: readonly object[];
}

/** The phases that the store answered along a walk, the beginning first. */
export type Answers = readonly [MachinePhase, ...MachinePhase[]];

/** A request without an actor. */
export const anonymous = { actor: null };

/** The idempotency key that all bystanders have used. */
export const KEY = 'a key that others have used';

export const newId = uuidv7;

export class Scene {
  /** The clock of both instances. */
  clock = hours(0);
  /** The names of the tables. */
  readonly shape: Shape;
  readonly #session: Session;
  readonly #clean: () => Promise<void>;
  #bystanders: readonly string[] = [];

  private constructor(
    lifecycle: AnyLifecycle,
    session: Session,
    clean: () => Promise<void>,
    readonly instances: readonly [here: Instance, there: Instance],
  ) {
    this.shape = shapeOf(lifecycle.machine);
    this.#session = session;
    this.#clean = clean;
  }

  static async open(
    lifecycle: AnyLifecycle,
    open: () => Promise<MigratedDatabase>,
  ): Promise<Scene> {
    const { url, partitions, drop } = await open();
    const now = (): Date => scene.clock;
    const here = await startInstance(lifecycle, url, now, partitions);
    const there = await startInstance(lifecycle, url, now, partitions);
    const session = await Session.open(url);
    const clean = async (): Promise<void> => {
      for (const { stop } of [here, there]) await stop();
      await session.close();
      await drop();
    };
    const scene: Scene = new Scene(lifecycle, session, clean, [here, there]);
    return scene;
  }

  get here(): Instance {
    return this.instances[0];
  }

  get there(): Instance {
    return this.instances[1];
  }

  /** Brings a machine into each state that can be reached. No test touches these machines. */
  async bringBystanders(ways: Ways): Promise<void> {
    const walks = ways.shortest.map(({ walk }) => walk);
    const answers = await this.bringAll(walks, { idempotencyKey: KEY });
    this.#bystanders = answers.map(([{ state }]) => state.id);
  }

  /** The rows of the bystanders. */
  async bystanders(): Promise<Contents> {
    return this.contents(`= ANY ('{${this.#bystanders.join(',')}}')`);
  }

  /** The rows of all machines except one. */
  async contentsWithout(id: string): Promise<Pick<Contents, 'records' | 'history'>> {
    const { records, history } = await this.contents(`<> ${sqlOf(id)}`);
    return { records, history };
  }

  /** @param which the end of an SQL comparison with the id; left out: all machines */
  async contents(which = 'IS NOT NULL'): Promise<Contents> {
    const { records, history, ledger, owner } = this.shape;
    return {
      records: await this.query(`SELECT * FROM ${records} WHERE id ${which} ORDER BY id`),
      history: await this.query(
        `SELECT * FROM ${history} WHERE ${owner.name} ${which} ORDER BY partition, position`,
      ),
      ledger: await this.query(`SELECT * FROM ${ledger} ORDER BY partition`),
    };
  }

  /** Runs a query as the tables' owner. */
  async query<Row extends object>(text: string): Promise<Row[]> {
    return this.#session.query<Row>(text);
  }

  /** Runs an action, and expects that it changes no row, whether it returns or throws. */
  async expectUnchanged<Result>(action: () => Promise<Result>): Promise<Result> {
    const before = await this.contents();
    return action().finally(async () => {
      expect(await this.contents()).toEqual(before);
    });
  }

  /**
   * Begins a machine and takes it along a walk. Afterwards the clock shows the moment of its next transition.
   *
   * @returns the phase at the end of the walk
   */
  async bring(walk: Walk, id = newId()): Promise<MachinePhase> {
    const [answers] = await this.bringAll([walk], { ids: [id] });
    const last = answers?.at(-1);
    if (last === undefined) throw new Error('It has not begun.');
    this.clock = hours(last.state.version);
    return last;
  }

  /**
   * Takes many machines along their walks at once, on both instances. Each makes its next step when all have made
   * theirs.
   *
   * @param hour when they begin, in hours after the beginning of all tests
   * @param idempotencyKey the key of each walk's last step
   */
  async bringAll(
    walks: readonly Walk[],
    {
      ids = walks.map(newId),
      hour = 0,
      idempotencyKey,
    }: {
      readonly ids?: readonly string[];
      readonly hour?: number;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<readonly Answers[]> {
    const longest = Math.max(...walks.map(({ length }) => length));
    const answers: MachinePhase[][] = walks.map(() => []);
    for (let version = 0; version < longest; version += 1) {
      const { now, occurredAt } = momentOf(hour + version);
      this.clock = now;
      const going = walks.map(async (walk, index) => {
        const asked = walk[version];
        const id = ids[index];
        if (asked === undefined || id === undefined) return;
        const { store } = this.instances[index % 2 === 0 ? 0 : 1];
        const answer =
          version === 0
            ? await store.begin(id, asked.data, anonymous)
            : await store.transition(id, asked.event, asked.data, {
                ...anonymous,
                occurredAt,
                idempotencyKey: version === walk.length - 1 ? idempotencyKey : undefined,
              });
        if (answer instanceof Refusal) {
          throw new Error(`${asked.event} on the way was refused: ${answer.message}`);
        }
        answers[index]?.push(answer);
      });
      await Promise.all(going);
    }
    // Each walk has a beginning, so no list is empty.
    return answers as unknown as readonly Answers[];
  }

  async close(): Promise<void> {
    await this.#clean();
  }
}

/** What all parts of the suite get. */
export interface SuiteContext {
  readonly lifecycle: AnyLifecycle;
  readonly ways: Ways;
  readonly data: SampleData;
  /** Exists once the tests run. */
  readonly scene: () => Scene;
}
