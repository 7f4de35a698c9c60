/** Serves doors and orders over a database of their own, without an HTTP server. Does not know what a test asks. */
import { randomUUID } from 'node:crypto';
import { type ExecutionResult, type GraphQLError, graphql, parse, subscribe } from 'graphql';
import { Client } from 'pg';
import { Entity } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { Database } from 'persistent-machine/database/Database';
import { Feed } from 'persistent-machine/feed/Feed';
import { WakeUps } from 'persistent-machine/feed/WakeUps';
import { type Context, Machines } from 'persistent-machine/graphql/context';
import { createSchema } from 'persistent-machine/graphql/schema';
import type { AnyLifecycle } from 'persistent-machine/machine';
import { type MachineEntities, tablesOf } from 'persistent-machine/operations/tables';
import { Lanes } from 'persistent-machine/store/Lanes';
import { MachineReader } from 'persistent-machine/store/MachineReader';
import { MachineStore } from 'persistent-machine/store/MachineStore';
import { entitiesOf, entityOf } from '../../src/integrity';
import { connect, openWith } from '../integrity/databases';
import { door, doors } from './door';
import { order, orders } from './order';

@Entity()
class Door extends entityOf(door) {}

@Entity()
class Order extends entityOf(order) {}

const ENTITIES = { doors: entitiesOf(Door), orders: entitiesOf(Order) };
const ALL_ENTITIES = [...Object.values(ENTITIES.doors), ...Object.values(ENTITIES.orders)];
const SCHEMA = createSchema([{ lifecycle: doors }, { lifecycle: orders }]);

export interface Serving {
  readonly machines: Machines;
  /** The statements that were sent, by machine and lane. */
  readonly statements: string[];
  /** @returns the data of a document's answer, which has no errors */
  // A test looks into answers of every shape, and fails where the shape is another.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  ask(source: string, variables?: object, context?: Partial<Context>): Promise<any>;
  /** @returns the errors of a document */
  errorsOf(source: string, variables?: object): Promise<readonly GraphQLError[]>;
  follow(source: string, variables?: object): Promise<AsyncGenerator<ExecutionResult>>;
  /** All rows of all tables. */
  rows(): Promise<object[]>;
  stop(): Promise<void>;
}

export async function serve(): Promise<Serving> {
  const { url, drop } = await openWith(ALL_ENTITIES);
  const dataSource = await connect(url, ALL_ENTITIES);
  const database = new Database(dataSource, { preparedStatements: true, statementTimeout: 60_000 });
  const owner = new Client({ connectionString: url });
  await owner.connect();
  const machines = new Machines();
  const statements: string[] = [];
  const feeds = [start(doors, ENTITIES.doors), start(orders, ENTITIES.orders)];

  function start<L extends AnyLifecycle>(lifecycle: L, entities: MachineEntities): Feed<L> {
    const tables = tablesOf(dataSource, entities);
    const onGroup = (lane: string): void => {
      statements.push(`${lifecycle.machine.plural}: ${lane}`);
    };
    const lanes = new Lanes({ queueSize: 1_000, onGroup });
    const store = new MachineStore(database, tables, lifecycle, {
      lanes,
      timeout: 60_000,
      now: () => new Date(),
      onCommit: () => {
        feed.changed();
      },
      onBrokenLedger: (error) => {
        throw error;
      },
    });
    const reader = new MachineReader(database, tables, lifecycle, { lanes, timeout: 60_000 });
    const { channel } = tables;
    const fail = (error: unknown): void => {
      throw error;
    };
    const feed = new Feed<L>(reader, store, {
      wakeUps: new WakeUps({ url, channels: [channel], listen: false }),
      channel,
      patience: 60_000,
      onFailure: fail,
      onRewound: fail,
    });
    machines.serve(lifecycle, { store, reader, feed });
    return feed;
  }

  const contextOf = (context: Partial<Context>): Context => ({
    machines,
    newId: uuidv7,
    requestId: randomUUID(),
    observation: { refusal: undefined },
    deadline: performance.now() + 60_000,
    actor: 'a clerk',
    scopes: null,
    ...context,
  });
  const answer = async (
    source: string,
    variables: object,
    context: Partial<Context>,
  ): Promise<ExecutionResult> =>
    graphql({
      schema: SCHEMA,
      source,
      variableValues: { ...variables },
      contextValue: contextOf(context),
    });
  return {
    machines,
    statements,
    ask: async (source, variables = {}, context = {}) => {
      const { data, errors } = await answer(source, variables, context);
      expect(errors).toBeUndefined();
      return data;
    },
    errorsOf: async (source, variables = {}) => (await answer(source, variables, {})).errors ?? [],
    follow: async (source, variables = {}) => {
      const followed = await subscribe({
        schema: SCHEMA,
        document: parse(source),
        variableValues: { ...variables },
        contextValue: contextOf({}),
      });
      if ('next' in followed) return followed;
      throw followed.errors?.[0] ?? new Error('It cannot be followed.');
    },
    rows: async () => {
      const tables = ['doors', 'door_transitions', 'orders', 'order_transitions'];
      const found: object[] = [];
      for (const table of tables) {
        const { rows } = await owner.query<object>(`SELECT * FROM ${table} ORDER BY 1, 2`);
        found.push(...rows);
      }
      return found;
    },
    stop: async () => {
      await Promise.all(feeds.map((feed) => feed.stop()));
      await owner.end();
      await dataSource.destroy();
      await drop();
    },
  };
}
