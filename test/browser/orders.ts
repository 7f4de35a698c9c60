/**
 * An API of orders, as the engine would derive it of another machine, kept in memory: what the dashboard is shown to
 * read off the query `machine`. Owns the schema and its answers; the browser gets the dashboard's own files.
 */
import { EventEmitter, on } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { GraphQLError, buildSchema, graphql } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

const COLUMNS =
  'customer: String totalCents: Int urgent: Boolean message: String dueAt: DateTime placedAt: DateTime';

const FACTS = `phase: Phase! version: Int! createdAt: DateTime! updatedAt: DateTime! nextEvents: [OrderEvent!]! ${COLUMNS}`;

const ORDER = `id: ID! ${FACTS}
  snapshot(version: Int): OrderSnapshot
  history(first: Int, last: Int): OrderTransitionConnection!`;

const CHANGE = 'id: ID!, idempotencyKey: String';
const PAGE = 'first: Int, after: String, last: Int, before: String';
const REFUSALS = 'OrderNotFound | IllegalTransition | OccurredAtOutOfRange | IdempotencyKeyReused';

const schema = buildSchema(`
  scalar DateTime
  interface Node { id: ID! }
  enum Phase { DRAFT IN_REVIEW APPROVED CANCELLED }
  enum OrderEvent { DRAFTING PLACEMENT APPROVAL CANCELLATION }
  enum OrderOrder { OLDEST_FIRST NEWEST_FIRST }
  interface Order implements Node { ${ORDER} }
  type Draft implements Order & Node { ${ORDER} }
  type InReview implements Order & Node { ${ORDER} }
  type Approved implements Order & Node { ${ORDER} }
  type Cancelled implements Order & Node { ${ORDER} }
  type OrderSnapshot { ${FACTS} }
  type OrderTransition {
    cursor: String! event: OrderEvent! from: Phase to: Phase! version: Int! occurredAt: DateTime!
    recordedAt: DateTime! actor: String orderId: ID! order: Order!
  }
  type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  type OrderTransitionConnection { nodes: [OrderTransition!]! pageInfo: PageInfo! }
  type OrderConnection { nodes: [Order!]! pageInfo: PageInfo! totalCount: Int! }
  type Census { draft: Int! inReview: Int! approved: Int! cancelled: Int! total: Int! cursor: String! }
  type StateMachine { name: String! states: [MachineState!]! events: [MachineEvent!]! fields: [MachineField!]! }
  type MachineState { phase: Phase! initial: Boolean! final: Boolean! transitions: [MachineTransition!]! }
  type MachineTransition { event: OrderEvent! to: Phase! }
  type MachineEvent { event: OrderEvent! mutation: String! data: [MachineField!]! }
  type MachineField { name: String! type: String! description: String! }
  type Query {
    order(id: ID!): Order
    orders(phase: [Phase!], order: OrderOrder, ${PAGE}): OrderConnection!
    transitions(${PAGE}): OrderTransitionConnection!
    census: Census!
    machine: StateMachine!
  }
  interface TransitionError { message: String! }
  type OrderNotFound implements TransitionError { message: String! id: ID! }
  type IllegalTransition implements TransitionError { message: String! event: OrderEvent! order: Order! }
  type OccurredAtOutOfRange implements TransitionError { message: String! earliest: DateTime! latest: DateTime! }
  type IdempotencyKeyReused implements TransitionError { message: String! idempotencyKey: String! }
  type Overpriced implements TransitionError { message: String! limitCents: Int! }
  union OrderPlacementResult = InReview | Overpriced | ${REFUSALS}
  union OrderApprovalResult = Approved | ${REFUSALS}
  union OrderCancellationResult = Cancelled | ${REFUSALS}
  type Mutation {
    draft(id: ID, customer: String!): Draft
    place(${CHANGE}, totalCents: Int!, dueAt: DateTime!, urgent: Boolean!): OrderPlacementResult
    approve(${CHANGE}): OrderApprovalResult
    cancel(${CHANGE}, message: String!): OrderCancellationResult
  }
  type Subscription { orderChanged(id: ID!): Order! transitions(after: String): OrderTransition! }
`);

interface Field {
  readonly name: string;
  readonly type: string;
  readonly description: string;
}

const field = (name: string, type: string, description: string): Field => ({
  name,
  type,
  description,
});

/** As arguments, which are never null. */
const said = (...fields: readonly Field[]): readonly Field[] =>
  fields.map((each) => ({ ...each, type: `${each.type}!` }));

const CUSTOMER = field('customer', 'String', 'Who ordered.');
const TOTAL = field('totalCents', 'Int', 'What it costs.');
const URGENT = field('urgent', 'Boolean', 'Whether it cannot wait.');
const MESSAGE = field('message', 'String', 'Why it was cancelled.');
const DUE = field('dueAt', 'DateTime', 'When it must be there.');

const NEXT: Record<string, Record<string, string>> = {
  DRAFT: { PLACEMENT: 'IN_REVIEW', CANCELLATION: 'CANCELLED' },
  IN_REVIEW: { APPROVAL: 'APPROVED', PLACEMENT: 'IN_REVIEW', CANCELLATION: 'CANCELLED' },
  APPROVED: {},
  CANCELLED: {},
};

const MACHINE = {
  name: 'Order',
  states: Object.entries(NEXT).map(([phase, next]) => ({
    phase,
    initial: phase === 'DRAFT',
    final: Object.keys(next).length === 0,
    transitions: Object.entries(next).map(([event, to]) => ({ event, to })),
  })),
  events: [
    { event: 'DRAFTING', mutation: 'draft', data: said(CUSTOMER) },
    { event: 'PLACEMENT', mutation: 'place', data: said(TOTAL, DUE, URGENT) },
    { event: 'APPROVAL', mutation: 'approve', data: [] },
    { event: 'CANCELLATION', mutation: 'cancel', data: said(MESSAGE) },
  ],
  fields: [
    CUSTOMER,
    TOTAL,
    URGENT,
    MESSAGE,
    DUE,
    field('placedAt', 'DateTime', 'When it was placed.'),
  ],
};

const TYPES: Record<string, string> = {
  DRAFT: 'Draft',
  IN_REVIEW: 'InReview',
  APPROVED: 'Approved',
  CANCELLED: 'Cancelled',
};

interface Order {
  readonly id: string;
  readonly phase: string;
  readonly version: number;
  readonly [column: string]: unknown;
}

interface Transition {
  readonly cursor: string;
  readonly orderId: string;
  readonly [fact: string]: unknown;
}

type Given = Readonly<Record<string, unknown>>;

export interface Orders {
  /** Without a path: `http://127.0.0.1:…`. */
  readonly url: string;
  /** What each mutation was told, the oldest first. */
  readonly told: readonly Given[];
  stop(): Promise<void>;
}

/** The orders of one server: every version of each, and what happened. */
class Ledger {
  readonly told: Given[] = [];
  readonly #versions = new Map<string, Order[]>();
  readonly #transitions: Transition[] = [];
  readonly #news = new EventEmitter();

  /** The root of every operation: graphql-js calls a method with the arguments of its field. */
  readonly root = {
    machine: MACHINE,
    order: ({ id }: { id: string }) => this.#shown(id),
    orders: ({ phase }: { phase?: readonly string[] }) => {
      const all = [...this.#versions.keys()].map((id) => this.#shown(id));
      const nodes = all.filter((order) => phase?.includes(order?.phase ?? '') ?? true).reverse();
      return { nodes, totalCount: nodes.length, pageInfo: ONE_PAGE };
    },
    transitions: ({ after }: { after?: string }) =>
      after === undefined
        ? { nodes: this.#transitions, pageInfo: ONE_PAGE }
        : this.#after(Number(after), 'transitions', (transition) => transition),
    orderChanged: ({ id }: { id: string }) =>
      this.#after(0, 'orderChanged', ({ orderId }) => (orderId === id ? this.#shown(id) : null)),
    census: () => {
      const phases = [...this.#versions.values()].map((versions) => versions.at(-1)?.phase);
      const count = (phase: string): number => phases.filter((each) => each === phase).length;
      return {
        draft: count('DRAFT'),
        inReview: count('IN_REVIEW'),
        approved: count('APPROVED'),
        cancelled: count('CANCELLED'),
        total: phases.length,
        cursor: String(this.#transitions.length),
      };
    },
    draft: ({ id, ...data }: { id: string }) => this.#change('DRAFTING', id, data),
    place: ({ id, totalCents, ...data }: { id: string; totalCents: number }) => {
      if (totalCents < 1) {
        throw new GraphQLError('totalCents: must be 1 or more.', {
          extensions: {
            code: 'BAD_USER_INPUT',
            fields: [{ path: 'totalCents', message: 'must be 1 or more.' }],
          },
        });
      }
      if (totalCents > 1000) {
        return { __typename: 'Overpriced', message: 'No more than 1000 cents.', limitCents: 1000 };
      }
      return this.#change('PLACEMENT', id, { totalCents, ...data, placedAt: now() });
    },
    approve: ({ id, ...data }: { id: string }) => this.#change('APPROVAL', id, data),
    cancel: ({ id, ...data }: { id: string }) => this.#change('CANCELLATION', id, data),
  };

  #shown(id: string): Order | null {
    const order = this.#versions.get(id)?.at(-1);
    if (order === undefined) return null;
    const nodes = this.#transitions.filter(({ orderId }) => orderId === id);
    return {
      ...order,
      history: ({ last = 20 }) => ({ nodes: nodes.slice(-last), pageInfo: ONE_PAGE }),
      snapshot: ({ version }: { version: number }) => this.#versions.get(id)?.[version - 1],
    };
  }

  #change(event: string, id: string, { idempotencyKey: _, ...data }: Given): Order | Given | null {
    this.told.push({ event, ...data });
    const versions = this.#versions.get(id) ?? [];
    const from = versions.at(-1);
    const to = from === undefined ? 'DRAFT' : NEXT[from.phase]?.[event];
    if (to === undefined) {
      const message = `${event} is not possible in ${String(from?.phase)}.`;
      return { __typename: 'IllegalTransition', message, event, order: this.#shown(id) };
    }
    const at = now();
    const version = versions.length + 1;
    const order: Order = {
      createdAt: at,
      ...from,
      ...data,
      __typename: TYPES[to],
      id,
      phase: to,
      version,
      updatedAt: at,
      nextEvents: Object.keys(NEXT[to] ?? {}),
    };
    this.#versions.set(id, [...versions, order]);
    this.#transitions.push({
      cursor: String(this.#transitions.length + 1),
      event,
      from: from?.phase ?? null,
      to,
      version,
      occurredAt: at,
      recordedAt: at,
      actor: null,
      orderId: id,
      order: () => this.#shown(id),
    });
    this.#news.emit('transition');
    return this.#shown(id);
  }

  /** What is to be told of each transition after a place, from now on; what is null is not told. */
  async *#after(
    place: number,
    name: string,
    told: (transition: Transition) => unknown,
  ): AsyncGenerator<Given> {
    const news = on(this.#news, 'transition');
    for (let next = place; ; next += 1) {
      while (next >= this.#transitions.length) await news.next();
      const transition = this.#transitions[next];
      const value = transition && told(transition);
      if (value != null) yield { [name]: value };
    }
  }
}

const ONE_PAGE = { hasNextPage: false, hasPreviousPage: false };

const now = (): string => new Date().toISOString();

const TYPES_OF_FILES: Record<string, string> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** Serves orders, and the dashboard as it was built. */
export async function startOrders(): Promise<Orders> {
  const { root, told } = new Ledger();
  const server = createServer((request, response) => {
    void (async () => {
      const path = request.url ?? '/';
      if (path === '/graphql') {
        const { query, variables } = JSON.parse(await text(request));
        const answer = await graphql({
          schema,
          source: query,
          rootValue: root,
          variableValues: variables,
        });
        response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
        return;
      }
      // Any other address is one of the dashboard's views.
      const file = path.startsWith('/assets/') ? path : 'index.html';
      response.setHeader('content-type', TYPES_OF_FILES[extname(file)] ?? 'text/html');
      response.end(await readFile(join('dist/web', file)));
    })();
  });
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  const subscriptions = useServer({ schema, roots: { query: root, subscription: root } }, sockets);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    // Of a server that listens on a port.
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told,
    stop: async () => {
      await subscriptions.dispose();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
