/**
 * What can be done to lives: begin one, and make an event happen to one, each by a key that is its own. Does not
 * know which events there are.
 */
import { uuidv7 } from 'uuidv7';
import { isPassing } from '../client/failures';
import type { Resend } from '../client/retry';
import { type Data, type Facts, type Outcome, isRefusal } from '../machine/answers';
import type { Session } from '../session';

/** The keys of what was sent, given up, and may have happened, by what it was. */
const unanswered = new Map<string, string>();

/**
 * Sends a change under a key of its own. If the same was given up before, it may have happened: then the key is that
 * of the time before, since under another one it could happen twice, or be refused because of itself.
 */
async function send<Answer>(
  change: string,
  under: (key: string) => Promise<Answer>,
): Promise<Answer> {
  const key = unanswered.get(change) ?? uuidv7();
  // The same change, asked for meanwhile, is a second one.
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
 * @throws why there is no answer, where that does not pass or the sending was given up
 */
export function begin(session: Session, data: Data, resend: Resend): Promise<Facts> {
  return send(`a beginning with ${JSON.stringify(data)}`, (id) =>
    beginAs(session, id, data, resend),
  );
}

/** @throws why there is no answer, where that does not pass or the sending was given up */
export async function beginAs(
  session: Session,
  id: string,
  data: Data,
  resend: Resend,
): Promise<Facts> {
  const { client, cache, documents } = session;
  const answer = await client.mutate({
    mutation: documents.begin,
    variables: { ...data, id },
    fetchPolicy: 'no-cache',
    context: { resend },
  });
  const begun = answer.data?.begun;
  if (!begun) throw new TypeError('An answer with nothing begun and without errors.');
  cache.keep(begun);
  return begun;
}

/**
 * Makes an event happen once, however often this must be called until it answers.
 *
 * @param data what the event is told, by name
 * @returns the life after the event, or why there is none
 * @throws why there is no answer, where that does not pass or the sending was given up
 */
export async function transition(
  { client, cache, documents }: Session,
  id: string,
  event: string,
  data: Data,
  resend: Resend,
): Promise<Outcome> {
  const mutation = documents.changes.get(event);
  if (mutation === undefined) throw new TypeError(`${event} does not happen to what has begun.`);
  return send(`${event} of ${id} with ${JSON.stringify(data)}`, async (idempotencyKey) => {
    const answer = await client.mutate({
      mutation,
      variables: { ...data, id, idempotencyKey },
      // The cache cannot tell a life's type from a refusal's, but it keeps the life that is given to it.
      fetchPolicy: 'no-cache',
      context: { resend },
    });
    const outcome = answer.data?.outcome;
    if (!outcome) throw new TypeError('An answer without an outcome and without errors.');
    const life = isRefusal(outcome) ? outcome.refusalLife : outcome;
    if (life) cache.keep(life);
    return outcome;
  });
}
