/**
 * Clients that record their answers, and a judge that compares them with the database at the end. Does not know which
 * faults happen.
 */
import type { Answer } from '../harness';
import { until } from '../../packages/persistent-machine/test/harness/until';

export type Change = 'conceive' | 'birth' | 'die';

/** What a client was told, with the times of its request and of the answer, by a clock that counts them. */
export interface Told {
  readonly asked: number;
  readonly told: number;
  readonly as:
    | { readonly kind: 'done'; readonly version: number; readonly phase: string }
    | { readonly kind: 'refused'; readonly by: string; readonly version: number | undefined }
    | { readonly kind: 'failed' }
    | { readonly kind: 'unknown' };
}

/** One change that a client wants. It may ask for it many times. */
export interface Wish {
  readonly change: Change;
  readonly id: string;
  /** The key of a retry: the caller's own, or one from an answer OUTCOME_UNKNOWN. */
  retryWith: string | undefined;
  readonly answers: Told[];
}

interface Look {
  readonly id: string;
  readonly asked: number;
  readonly version: number | undefined;
}

const DOCUMENTS: Readonly<Record<Change | 'look', string>> = {
  conceive: 'mutation ($id: ID) { outcome: conceive(id: $id) { __typename version } }',
  birth: transitionBy('birth'),
  die: transitionBy('die'),
  look: 'query ($id: ID!) { outcome: life(id: $id) { version } }',
};

function transitionBy(field: string): string {
  return `mutation ($id: ID!, $idempotencyKey: String) {
    outcome: ${field}(id: $id, idempotencyKey: $idempotencyKey) {
      __typename
      ... on Life { version }
      ... on IllegalTransition { life { version } }
    }
  }`;
}

/** Sends a document to one of the servers; null without an answer. */
type Send = (
  server: number,
  document: string,
  variables: Record<string, unknown>,
) => Promise<Answer | null>;

/** Clients that send requests, and record the answers. */
export class Clients {
  readonly wishes: Wish[] = [];
  readonly looks: Look[] = [];
  readonly #send: Send;
  #clock = 0;

  constructor(send: Send) {
    this.#send = send;
  }

  /** @param keyed whether the client gives a key of its own; a conception's is its id */
  wish(change: Change, id: string, keyed: boolean): Wish {
    const own = change === 'conceive' ? id : `key ${this.wishes.length}`;
    const retryWith = keyed || change === 'conceive' ? own : undefined;
    const wish: Wish = { change, id, retryWith, answers: [] };
    this.wishes.push(wish);
    return wish;
  }

  /** Asks for the change, and records the answer. */
  async ask(wish: Wish, server: number): Promise<void> {
    const { change, id, retryWith = null } = wish;
    const asked = ++this.#clock;
    const variables = { id, idempotencyKey: retryWith };
    const answer = await this.#send(server, DOCUMENTS[change], variables);
    const as = answer ? meaningOf(answer) : ({ kind: 'unknown' } as const);
    const { idempotencyKey } = answer?.errors?.[0]?.extensions ?? {};
    if (answer && as.kind === 'unknown' && change !== 'conceive') {
      // The answer must repeat a key that the client gave.
      if (wish.retryWith !== undefined) expect(idempotencyKey).toBe(wish.retryWith);
      wish.retryWith = String(idempotencyKey);
    }
    wish.answers.push({ asked, told: ++this.#clock, as });
  }

  /** Reads a life, and records its version. */
  async look(id: string, server: number): Promise<void> {
    const asked = ++this.#clock;
    const answer = await this.#send(server, DOCUMENTS.look, { id });
    if (answer === null || answer.errors) return;
    this.looks.push({ id, asked, version: answer.data.outcome?.version });
  }
}

function meaningOf({ data, errors }: Answer): Told['as'] {
  const code = errors?.[0]?.extensions['code'];
  if (code === 'OUTCOME_UNKNOWN') return { kind: 'unknown' };
  if (code === 'OVERLOADED' || code === 'DATABASE_UNAVAILABLE') return { kind: 'failed' };
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  const { __typename: type, version, life } = data.outcome;
  return ['Gestating', 'Alive', 'Dead'].includes(type)
    ? { kind: 'done', version, phase: type }
    : { kind: 'refused', by: type, version: life?.version };
}

/** A transition, as the database has it. */
export interface Row {
  readonly life_id: string;
  readonly version: number;
  readonly event: string;
  readonly state_type: string;
  readonly idempotency_key: string | null;
}

const EVENTS = { conceive: 'Conception', birth: 'Birth', die: 'Death' } as const;

/** The first answer that says that the change was made. */
const fulfilmentOf = ({ answers }: Wish): (Told & { as: { kind: 'done' } }) | undefined =>
  answers.find((answer): answer is Told & { as: { kind: 'done' } } => answer.as.kind === 'done');

/**
 * Whether an answer was lost, and the client has no key to ask again with. The change may or may not have been made.
 */
function isLeftOpen({ answers, retryWith }: Wish): boolean {
  return retryWith === undefined && answers.some(({ as }) => as.kind === 'unknown');
}

/** Asks again for each change with an unknown outcome, until it is known. */
export async function resolveAll(clients: Clients, server: () => number): Promise<void> {
  const unresolved = clients.wishes.filter(
    (wish) =>
      wish.retryWith !== undefined &&
      fulfilmentOf(wish) === undefined &&
      wish.answers.some(({ as }) => as.kind === 'unknown'),
  );
  for (const wish of unresolved) {
    await until(async () => {
      await clients.ask(wish, server());
      return ['done', 'refused'].includes(wish.answers.at(-1)?.as.kind ?? '');
    });
  }
}

/** How many answers there were of each kind. */
export function countsOf({ wishes }: Clients): Record<Told['as']['kind'], number> {
  const counts = { done: 0, refused: 0, failed: 0, unknown: 0 };
  for (const { answers } of wishes) for (const { as } of answers) counts[as.kind] += 1;
  return counts;
}

/** The contradictions between the answers and the database, as sentences. */
export function liesAmong({ wishes, looks }: Clients, rows: readonly Row[]): string[] {
  const lies: string[] = [];
  const rowAt = new Map(rows.map((row) => [`${row.life_id} ${row.version}`, row]));
  const unclaimed = new Set(rowAt.keys());
  /** When a client was first told of a version of a life. */
  const knownSince: { id: string; version: number; told: number }[] = [];

  for (const wish of wishes) {
    const { change, id, retryWith, answers } = wish;
    const name = `${change} of ${id} with ${retryWith ?? 'no key'}`;
    const fulfilled = fulfilmentOf(wish);
    if (fulfilled) {
      const { version, phase } = fulfilled.as;
      const place = `${id} ${version}`;
      const row = rowAt.get(place);
      knownSince.push({ id, version, told: fulfilled.told });
      if (row?.event !== EVENTS[change] || row.state_type !== phase)
        lies.push(`${name}: not there`);
      if (row?.idempotency_key && row.idempotency_key !== retryWith)
        lies.push(`${name}: other key`);
      // Several clients may be told of one conception, because its id is its key.
      if (!unclaimed.delete(place) && change !== 'conceive')
        lies.push(`${name}: acknowledged twice`);
    }
    for (const { as, asked } of answers) {
      if (as.kind === 'done' && as.version !== fulfilled?.as.version) {
        lies.push(`${name}: done at two versions`);
      }
      if (as.kind === 'refused' && fulfilled && asked > fulfilled.told) {
        lies.push(`${name}: refused after it was done`);
      }
      if (as.kind === 'refused' && as.by === 'IllegalTransition' && as.version !== undefined) {
        if (!rowAt.has(`${id} ${as.version}`))
          lies.push(`${name}: refused by a version that is not there`);
      }
    }
  }
  for (const place of unclaimed) {
    const row = rowAt.get(place);
    const isExplained = wishes.some(
      (wish) =>
        row?.idempotency_key === null &&
        wish.id === row.life_id &&
        EVENTS[wish.change] === row.event &&
        isLeftOpen(wish),
    );
    if (!isExplained) lies.push(`${place}: not acknowledged`);
  }

  const seen = [
    ...looks,
    ...wishes.flatMap(({ id, answers }) =>
      answers.flatMap(({ as, asked }) =>
        as.kind === 'refused' ? [{ id, asked, version: as.version }] : [],
      ),
    ),
  ];
  for (const { id, asked, version = 0 } of seen) {
    const older = knownSince.find(
      (known) => known.id === id && known.told < asked && known.version > version,
    );
    if (older) lies.push(`${id}: seen at ${version} after ${older.version} was known`);
    if (version > 0 && !rowAt.has(`${id} ${version}`)) lies.push(`${id}: seen at no version of it`);
  }
  return lies;
}
