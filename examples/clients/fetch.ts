/** A recipe without a client library: `fetch`, graphql-ws, and a store with the newest version of each life. */
import { createClient } from 'graphql-ws';
import {
  BIRTH,
  type BirthData,
  LIFE,
  LIVES,
  type Life,
  type LifeData,
  type Lives,
  type LivesData,
  type Stop,
  TRANSITIONS,
  type TransitionsData,
  type View,
} from './lives';
import { type Errors, Newest, follow, insist, refusalIn } from './resilience';

/** @param url of the API: `http://localhost:4000/graphql` */
export function fetchLives(url: string): Lives {
  // No retries: they would resume with the first cursor.
  const socket = createClient({ url: url.replace(/^http/, 'ws'), retryAttempts: 0 });
  const newest = new Newest();
  const views = new Set<(told: readonly Life[]) => void>();

  /** Updates the views that show one of these lives. It keeps no others, because the feed brings every life. */
  const learn = (...told: readonly Life[]): void => {
    for (const refresh of views) refresh(told);
  };

  const ask = async <Data>(query: string, variables: object): Promise<Data> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    // The type is that of the GraphQL specification. With errors, the data may be incomplete.
    const { data, errors } = (await response.json()) as { data: Data; errors?: Errors };
    if (errors) throw new AggregateError(errors, 'The request was refused.', { cause: response });
    return data;
  };

  const watch = (
    load: () => Promise<readonly Life[]>,
    { show, fail }: View<readonly Life[]>,
  ): Stop => {
    let shown: readonly Life[] = [];
    /** Lives that the feed brings while the view loads. They may be newer than the loaded ones. */
    let early: Life[] | undefined = [];
    const update = (lives: readonly Life[], told: readonly Life[]): readonly Life[] => {
      for (const life of told) if (lives.some(({ id }) => id === life.id)) newest.of(life);
      return lives.map((life) => newest.of(life));
    };
    const refresh = (told: readonly Life[]): void => {
      early?.push(...told);
      const lives = update(shown, told);
      if (lives.every((life, index) => life === shown[index])) return;
      shown = lives;
      show(lives);
    };
    views.add(refresh);
    load()
      .then((lives) => {
        shown = update(lives, early ?? []);
        if (views.has(refresh)) show(shown);
        learn(...lives);
      }, fail)
      .finally(() => {
        early = undefined;
      });
    return () => {
      views.delete(refresh);
    };
  };

  return {
    watchLives(view) {
      return watch(async () => (await ask<LivesData>(LIVES, {})).lives.nodes, view);
    },

    watchLife(id, { show, fail }) {
      const load = async (): Promise<readonly Life[]> => {
        const { life } = await ask<LifeData>(LIFE, { id });
        return life ? [life] : [];
      };
      return watch(load, {
        show: ([life = null]) => {
          show(life);
        },
        fail,
      });
    },

    async birth(id, idempotencyKey = crypto.randomUUID()) {
      const send = async (): Promise<BirthData> => ask(BIRTH, { id, idempotencyKey });
      const birth = await insist(async () => (await send()).birth, errorsOf, responseOf);
      if (birth.__typename === 'Alive') learn(birth);
      if (birth.__typename === 'IllegalTransition') learn(birth.life);
      return birth;
    },

    async follow(after, onTransition, signal) {
      await follow(after, onTransition, signal, (cursor, subscriber) =>
        socket.subscribe<TransitionsData>(
          { query: TRANSITIONS, variables: { after: cursor } },
          {
            next: ({ data, errors = [] }) => {
              if (!data) {
                subscriber.end(errors);
                return;
              }
              learn(data.transitions.life);
              subscriber.next(data.transitions);
            },
            // Either a list of GraphQL errors, or the event that closed the socket.
            error: (error) => {
              const refusal = refusalIn(error);
              subscriber.end(Array.isArray(refusal) ? (refusal as Errors) : []);
            },
            complete: () => {
              subscriber.end([]);
            },
          },
        ),
      );
    },

    async close() {
      await socket.dispose();
    },
  };
}

function errorsOf(thrown: unknown): Errors {
  // `ask` throws it.
  return thrown instanceof AggregateError ? (thrown.errors as Errors) : [];
}

function responseOf(thrown: unknown): Response | undefined {
  return thrown instanceof AggregateError && thrown.cause instanceof Response
    ? thrown.cause
    : undefined;
}
