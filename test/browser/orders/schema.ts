/** The schema of orders as the engine would derive it, and the answer of its query `machine`. */
import { buildSchema } from 'graphql';

const COLUMNS =
  'customer: String totalCents: Int urgent: Boolean message: String dueAt: DateTime placedAt: DateTime';

const FACTS = `phase: Phase! version: Int! createdAt: DateTime! updatedAt: DateTime! nextEvents: [OrderEvent!]! ${COLUMNS}`;

const ORDER = `id: ID! ${FACTS}
  snapshot(version: Int): OrderSnapshot
  history(first: Int, last: Int): OrderTransitionConnection!`;

const CHANGE = 'id: ID!, idempotencyKey: String';
const PAGE = 'first: Int, after: String, last: Int, before: String';
const REFUSALS = 'OrderNotFound | IllegalTransition | OccurredAtOutOfRange | IdempotencyKeyReused';

export const schema = buildSchema(`
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
    transitions(events: [OrderEvent!], ${PAGE}): OrderTransitionConnection!
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

/** The same columns as arguments, which are required. */
const said = (...fields: readonly Field[]): readonly Field[] =>
  fields.map((each) => ({ ...each, type: `${each.type}!` }));

const CUSTOMER = field('customer', 'String', 'Who ordered.');
const TOTAL = field('totalCents', 'Int', 'What it costs.');
const URGENT = field('urgent', 'Boolean', 'Whether it cannot wait.');
const MESSAGE = field('message', 'String', 'Why it was cancelled.');
const DUE = field('dueAt', 'DateTime', 'When it must be there.');

/** The events that each state accepts, and the states that they lead to. */
export const NEXT: Record<string, Record<string, string>> = {
  DRAFT: { PLACEMENT: 'IN_REVIEW', CANCELLATION: 'CANCELLED' },
  IN_REVIEW: { APPROVAL: 'APPROVED', PLACEMENT: 'IN_REVIEW', CANCELLATION: 'CANCELLED' },
  APPROVED: {},
  CANCELLED: {},
};

export const MACHINE = {
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

/** The object type of each state. */
export const TYPES: Record<string, string> = {
  DRAFT: 'Draft',
  IN_REVIEW: 'InReview',
  APPROVED: 'Approved',
  CANCELLED: 'Cancelled',
};
