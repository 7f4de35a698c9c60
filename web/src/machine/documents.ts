/**
 * All that is asked of the server once the machine is known, made of the machine's own names: so a state, an event or
 * a column more is asked for without being written down. Does not know when anything is asked.
 */
import type { TypedDocumentNode } from '@apollo/client';
import { parse } from 'graphql';
import type {
  Data,
  Facts,
  FeedVariables,
  News,
  Outcome,
  Page,
  PageVariables,
  Snapshot,
  Transition,
  WithHistory,
} from './answers';
import type { Machine, MachineEvent } from './machine';
import { capitalized, fieldOf } from './names';

interface Id {
  readonly id: string;
}

type Nothing = Record<string, never>;

type Change = TypedDocumentNode<
  { readonly outcome: Outcome | null },
  Id & { readonly idempotencyKey: string } & Data
>;

export interface Documents {
  /** For the cache alone, which is asked for what it has of a life, by its id. */
  readonly facts: TypedDocumentNode<Facts, Nothing>;
  /** How many are in each phase, by its name. */
  readonly census: TypedDocumentNode<
    { readonly census: Readonly<Record<string, unknown>> & { readonly cursor: string } },
    Nothing
  >;
  /** The feed as pages, the oldest first. */
  readonly transitions: TypedDocumentNode<
    { readonly transitions: Page<Transition> },
    FeedVariables
  >;
  readonly feed: TypedDocumentNode<{ readonly transitions: News }, { readonly after: string }>;
  readonly lives: TypedDocumentNode<{ readonly lives: Page<Facts> }, PageVariables>;
  readonly life: TypedDocumentNode<{ readonly life: WithHistory | null }, Id>;
  readonly lifeChanged: TypedDocumentNode<{ readonly lifeChanged: Facts }, Id>;
  readonly snapshot: TypedDocumentNode<
    { readonly life: { readonly snapshot: Snapshot | null } | null },
    Id & { readonly version: number }
  >;
  readonly begin: TypedDocumentNode<{ readonly begun: Facts | null }, Id & Data>;
  /** What makes an event happen, by the event; not the one by which a life begins. */
  readonly changes: ReadonlyMap<string, Change>;
}

export function documentsOf(machine: Machine): Documents {
  const { name, one, many, states, events, fields, beginning } = machine;
  // The interface has every column. To ask by the types of the states would take a list of these types in the cache.
  const snapshot = `__typename phase version createdAt updatedAt nextEvents ${namesOf(fields)}`;
  const facts = `id ${snapshot}`;
  const transition = `cursor event from to version occurredAt recordedAt actor lifeId: ${one}Id`;
  const pageInfo = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';
  const counts = states.map(({ phase }) => `${phase}: ${fieldOf(phase)}`).join(' ');

  // What a refusal says has names of its own: a column may be called `message`.
  const outcome = `
    __typename
    ... on ${name} { ${facts} }
    ... on TransitionError {
      refusalMessage: message
      ... on IllegalTransition {
        refusalLife: ${one} { ${facts} history(last: 1) { nodes { ${transition} } } }
      }
      ... on OccurredAtOutOfRange { refusalEarliest: earliest refusalLatest: latest }
    }`;

  const changeBy = ({ mutation, data }: MachineEvent): Change =>
    parse(`
      mutation ${capitalized(mutation)}($id: ID!, $idempotencyKey: String!${declared(data)}) {
        outcome: ${mutation}(id: $id, idempotencyKey: $idempotencyKey${given(data)}) { ${outcome} }
      }`);

  return {
    facts: parse(`query Facts { ${facts} }`),
    census: parse(`query Census { census { ${counts} cursor } }`),
    transitions: parse(`
      query Transitions(
        $events: [${name}Event!], $first: Int, $after: String, $last: Int, $before: String
      ) {
        transitions(events: $events, first: $first, after: $after, last: $last, before: $before) {
          nodes { ${transition} }
          ${pageInfo}
        }
      }`),
    feed: parse(`
      subscription Feed($after: String!) {
        transitions(after: $after) { ${transition} life: ${one} { ${facts} } }
      }`),
    lives: parse(`
      query Lives(
        $phase: [Phase!], $order: ${name}Order!,
        $first: Int, $after: String, $last: Int, $before: String
      ) {
        lives: ${many}(
          phase: $phase, order: $order, first: $first, after: $after, last: $last, before: $before
        ) {
          nodes { ${facts} }
          ${pageInfo}
        }
      }`),
    life: parse(`
      query Life($id: ID!) {
        life: ${one}(id: $id) {
          ${facts}
          history(last: 50) { nodes { ${transition} } pageInfo { hasPreviousPage } }
        }
      }`),
    lifeChanged: parse(`
      subscription LifeChanged($id: ID!) { lifeChanged: ${one}Changed(id: $id) { ${facts} } }`),
    snapshot: parse(`
      query Snapshot($id: ID!, $version: Int!) {
        life: ${one}(id: $id) { ${facts} snapshot(version: $version) { ${snapshot} } }
      }`),
    begin: parse(`
      mutation ${capitalized(beginning.mutation)}($id: ID!${declared(beginning.data)}) {
        begun: ${beginning.mutation}(id: $id${given(beginning.data)}) { ${facts} }
      }`),
    changes: new Map(
      events.filter((each) => each !== beginning).map((each) => [each.event, changeBy(each)]),
    ),
  };
}

type Fields = readonly { readonly name: string; readonly type: string }[];

function namesOf(fields: Fields): string {
  return fields.map(({ name }) => name).join(' ');
}

/** What an event is told, as variables. */
function declared(data: Fields): string {
  return data.map(({ name, type }) => `, $${name}: ${type}`).join('');
}

function given(data: Fields): string {
  return data.map(({ name }) => `, ${name}: $${name}`).join('');
}
