/** Orders in memory: every version of each, and their transitions. Provides the roots of the schema's operations. */
import { EventEmitter, on } from 'node:events';
import { GraphQLError } from 'graphql';
import { MACHINE, NEXT, TYPES } from './schema';

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

export type Given = Readonly<Record<string, unknown>>;

const ONE_PAGE = { hasNextPage: false, hasPreviousPage: false };

const by =
  (events: readonly string[] | null | undefined) =>
  ({ event }: Transition): boolean =>
    events?.includes(String(event)) ?? true;

const now = (): string => new Date().toISOString();

export class Ledger {
  /** The arguments of each mutation, the oldest first. */
  readonly told: Given[] = [];
  readonly #versions = new Map<string, Order[]>();
  readonly #transitions: Transition[] = [];
  readonly #news = new EventEmitter();

  /** The root of every operation: graphql-js calls a method with its field's arguments. */
  readonly root: Readonly<Record<string, object>> = {
    machine: MACHINE,
    order: ({ id }: { id: string }) => this.#shown(id),
    orders: ({ phase }: { phase?: readonly string[] }) => {
      const all = [...this.#versions.keys()].map((id) => this.#shown(id));
      const nodes = all.filter((order) => phase?.includes(order?.phase ?? '') ?? true).reverse();
      return { nodes, totalCount: nodes.length, pageInfo: ONE_PAGE };
    },
    // Only the subscription gets a cursor. The query asks for the last transitions.
    transitions: ({ after, events }: { after?: string; events?: readonly string[] | null }) =>
      after === undefined
        ? { nodes: this.#transitions.filter(by(events)), pageInfo: ONE_PAGE }
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

  /** Yields a value for each transition after a place, from now on, and skips null. */
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
