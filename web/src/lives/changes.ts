/**
 * What can be done to lives: begin one, and make an event happen to one, each by a key that is its own. Owns
 * which mutation an event is; a new one is asked for here by the compiler.
 */
import type { ApolloClient, TypedDocumentNode } from '@apollo/client';
import { uuidv7 } from 'uuidv7';
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

/** @throws what came instead of an answer, after every retry */
export async function conceive(client: ApolloClient): Promise<LifeFactsFragment> {
  const { data } = await client.mutate({ mutation: ConceiveDocument, variables: { id: uuidv7() } });
  if (!data?.conceive) throw new TypeError('An answer without a life and without errors.');
  return data.conceive;
}

/**
 * @returns the life after the event, or why there is none
 * @throws what came instead of an answer, after every retry
 */
export async function transition(
  client: ApolloClient,
  id: string,
  event: LifeEvent,
): Promise<Outcome> {
  if (event === BEGINNING) throw new TypeError('A life begins once.');
  const { data } = await client.mutate({
    mutation: MUTATIONS[event],
    variables: { id, idempotencyKey: uuidv7() },
  });
  if (!data?.outcome) throw new TypeError('An answer without an outcome and without errors.');
  return data.outcome;
}

export function isRefusal(outcome: Outcome): outcome is Refusal {
  return 'message' in outcome;
}
