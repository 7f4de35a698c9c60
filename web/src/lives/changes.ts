/**
 * What can be done to lives: begin one, and make an event happen to one, each by a key that is its own. Owns
 * which mutation an event is; a new one is asked for here by the compiler.
 */
import type { ApolloClient, TypedDocumentNode } from '@apollo/client';
import { uuidv7 } from 'uuidv7';
import { isPassing } from '../client/failures';
import {
  BirthDocument,
  type BirthMutation,
  ConceiveDocument,
  DeathDocument,
  type DeathMutation,
  type LifeEvent,
  type LifeFactsFragment,
} from '../graphql/graphql';

type Outcome = NonNullable<BirthMutation['outcome'] | DeathMutation['outcome']>;

/** Why a life did not change, as the API says it. */
export type Refusal = Extract<Outcome, { message: string }>;

/** The event by which a life begins. */
export const BEGINNING = 'CONCEPTION' satisfies LifeEvent;

type Step = Exclude<LifeEvent, typeof BEGINNING>;

type Change = TypedDocumentNode<
  BirthMutation | DeathMutation,
  { readonly id: string; readonly idempotencyKey: string }
>;

const MUTATIONS: Readonly<Record<Step, Change>> = { BIRTH: BirthDocument, DEATH: DeathDocument };

/** The keys of what was sent and may have happened, by what it was. */
const unanswered = new Map<string, string>();

/**
 * Sends a change under a key of its own, or under that of the time before, if nobody knows what became of it:
 * under another one it could happen twice, or be refused because of itself.
 */
async function send<Answer>(
  change: string,
  under: (key: string) => Promise<Answer>,
): Promise<Answer> {
  const key = unanswered.get(change) ?? uuidv7();
  // Whoever does the same meanwhile does it a second time.
  unanswered.delete(change);
  try {
    return await under(key);
  } catch (error) {
    if (isPassing(error)) unanswered.set(change, key);
    throw error;
  }
}

/**
 * Begins one life, however often this must be called until it answers.
 *
 * @throws what came instead of an answer, after every retry
 */
export function conceive(client: ApolloClient): Promise<LifeFactsFragment> {
  return send(BEGINNING, (id) => conceiveAs(client, id));
}

/** @throws what came instead of an answer, after every retry */
export async function conceiveAs(client: ApolloClient, id: string): Promise<LifeFactsFragment> {
  const { data } = await client.mutate({ mutation: ConceiveDocument, variables: { id } });
  if (!data?.conceive) throw new TypeError('An answer without a life and without errors.');
  return data.conceive;
}

/**
 * Makes an event happen once, however often this must be called until it answers.
 *
 * @returns the life after the event, or why there is none
 * @throws what came instead of an answer, after every retry
 */
export async function transition(
  client: ApolloClient,
  id: string,
  event: LifeEvent,
): Promise<Outcome> {
  if (event === BEGINNING) throw new TypeError('A life begins once.');
  return send(`${event} of ${id}`, async (idempotencyKey) => {
    const { data } = await client.mutate({
      mutation: MUTATIONS[event],
      variables: { id, idempotencyKey },
    });
    if (!data?.outcome) throw new TypeError('An answer without an outcome and without errors.');
    return data.outcome;
  });
}

export function isRefusal(outcome: Outcome): outcome is Refusal {
  return 'message' in outcome;
}
