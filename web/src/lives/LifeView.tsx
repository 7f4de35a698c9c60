/** One life: as it is, what can happen to it, what happened, and as it was at any of its versions. Live. */
import { useQuery } from '@apollo/client/react';
import { type ReactNode, useCallback, useEffect, useRef, useState } from 'react';
import { Link, useSearchParams } from 'wouter';
import { hasCode } from '../client/failures';
import { follow } from '../client/follow';
import { useNews } from '../feed/useNews';
import {
  LifeChangedDocument,
  type LifeChangedSubscription,
  LifeDocument,
  type LifeEvent,
  type LifeFactsFragment,
  LifeFactsFragmentDoc,
  SnapshotDocument,
  type TransitionFactsFragment,
} from '../graphql/graphql';
import { nameOf } from '../machine/machine';
import { PhaseName } from '../machine/PhaseName';
import { Failure } from '../parts/Failure';
import { Moment } from '../parts/Moment';
import { View } from '../parts/View';
import { useSession } from '../session';
import { type Refusal, isRefusal, transition } from './changes';
import { RefusalNotice } from './RefusalNotice';

/** What a life and a snapshot of one have in common. */
interface Facts {
  readonly phase: LifeFactsFragment['phase'];
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly bornAt: string | null;
  readonly diedAt: string | null;
}

export function LifeView({ id }: { id: string }): ReactNode {
  const [search] = useSearchParams();
  const chosen = Number(search.get('version')) || null;
  const { data, error, refetch } = useQuery(LifeDocument, {
    variables: { id },
    fetchPolicy: 'cache-and-network',
  });
  useLifeChanged(id);
  useNews(
    refetch,
    useCallback(({ lifeId }: TransitionFactsFragment) => lifeId === id, [id]),
  );
  const life = data?.life;
  const title = `Life ${id.slice(-12)}`;
  return (
    <View title={title} aside={<p className="id whole">{id}</p>}>
      {error && !data && (
        <Failure error={error} again={() => void refetch().catch(() => undefined)} />
      )}
      {data?.life === null && (
        <p className="notice">
          There is no life with this id. <Link href="/lives">Look among those that there are.</Link>
        </p>
      )}
      {!data && !error && <p className="empty">Looking…</p>}
      {life && (
        <div className="life">
          <Now life={life} chosen={chosen} />
          <History life={life} chosen={chosen} />
        </div>
      )}
    </View>
  );
}

/** Keeps the life in the cache as it is, until nothing can happen to it any more. */
function useLifeChanged(id: string): void {
  const { cache, socket } = useSession();
  useEffect(() => {
    const leaving = new AbortController();
    const { signal } = leaving;
    void follow<undefined, LifeChangedSubscription>(
      {
        begin: () => Promise.resolve(undefined),
        // Begins with the life as it is, so there is nothing to resume after.
        after: () => socket.subscribe(LifeChangedDocument, { id }, signal),
        deal: ({ lifeChanged: data }) => {
          cache.writeFragment({ fragment: LifeFactsFragmentDoc, data, id: `Life:${id}` });
          return undefined;
        },
        restartsAfter: (error) => hasCode(error, 'FEED_REWOUND'),
      },
      // The feed tells of the connection, and the query of a life that is not there.
      () => undefined,
      signal,
    );
    return () => {
      leaving.abort();
    };
  }, [cache, socket, id]);
}

function Now({ life, chosen }: { life: LifeFactsFragment; chosen: number | null }): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null);
  return (
    <section className={chosen === null ? 'card now' : 'card now past'} aria-labelledby="now-title">
      <h2 id="now-title" ref={heading} tabIndex={-1}>
        {chosen === null ? 'As it is' : `As it was at version ${chosen} of ${life.version}`}
      </h2>
      {chosen === null ? (
        <Present life={life} />
      ) : (
        <Past
          id={life.id}
          version={chosen}
          // The link to the present is gone then.
          onLeave={() => heading.current?.focus()}
        />
      )}
    </section>
  );
}

function Present({ life }: { life: LifeFactsFragment }): ReactNode {
  const bornAt = 'bornAt' in life ? life.bornAt : 'maybeBornAt' in life ? life.maybeBornAt : null;
  const diedAt = 'diedAt' in life ? life.diedAt : null;
  return (
    <>
      <FactList {...life} bornAt={bornAt} diedAt={diedAt} />
      <Events life={life} />
    </>
  );
}

function FactList({ phase, version, createdAt, bornAt, diedAt, updatedAt }: Facts): ReactNode {
  return (
    <dl className="facts">
      <dt>Phase</dt>
      <dd>
        <PhaseName phase={phase} />
      </dd>
      <dt>Version</dt>
      <dd className="number">{version}</dd>
      <dt>Conceived</dt>
      <dd>
        <Moment at={createdAt} />
      </dd>
      <dt>Born</dt>
      <dd>{bornAt === null ? 'No' : <Moment at={bornAt} />}</dd>
      <dt>Died</dt>
      <dd>{diedAt === null ? 'No' : <Moment at={diedAt} />}</dd>
      <dt>Recorded</dt>
      <dd>
        <Moment at={updatedAt} />
      </dd>
    </dl>
  );
}

function Events({ life: { id, phase, nextEvents } }: { life: LifeFactsFragment }): ReactNode {
  const { client } = useSession();
  const [busy, setBusy] = useState<LifeEvent | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [failure, setFailure] = useState<{ readonly event: LifeEvent; readonly error: unknown }>();
  const [told, setTold] = useState('');
  const request = async (event: LifeEvent): Promise<void> => {
    setBusy(event);
    setRefusal(null);
    setFailure(undefined);
    try {
      const outcome = await transition(client, id, event);
      if (isRefusal(outcome)) setRefusal(outcome);
      else setTold(`${nameOf(event)} is recorded: version ${outcome.version}.`);
    } catch (error) {
      setFailure({ event, error });
    }
    setBusy(null);
  };
  return (
    <div className="events">
      {/* The button that was pressed may be gone with what it could do; the focus goes to what remains. */}
      <div role="group" aria-label="What can happen" tabIndex={-1} className="buttons">
        {nextEvents.map((event) => (
          <button
            key={event}
            className="primary"
            aria-busy={busy === event}
            onClick={({ currentTarget: { parentElement } }) => {
              if (busy !== null) return;
              parentElement?.focus();
              void request(event);
            }}
          >
            {nameOf(event)}
          </button>
        ))}
        {nextEvents.length === 0 && (
          <p>Nothing can happen to it any more: it is {nameOf(phase)}.</p>
        )}
      </div>
      <p role="status" className="told">
        {told}
      </p>
      {refusal && <RefusalNotice refusal={refusal} />}
      {/* Its own button is gone where it happened nevertheless. */}
      {failure && <Failure error={failure.error} again={() => void request(failure.event)} />}
    </div>
  );
}

function Past({
  id,
  version,
  onLeave,
}: {
  id: string;
  version: number;
  onLeave: () => void;
}): ReactNode {
  const { data, error } = useQuery(SnapshotDocument, { variables: { id, version } });
  const snapshot = data?.life?.snapshot;
  return (
    <>
      {snapshot && <FactList {...snapshot} />}
      {data && !snapshot && <p className="empty">It has no such version.</p>}
      {error && !hasCode(error, 'BAD_USER_INPUT') && <Failure error={error} />}
      {error && hasCode(error, 'BAD_USER_INPUT') && (
        <p className="empty">It has no such version.</p>
      )}
      <Link href={`/lives/${id}`} className="button" onClick={onLeave}>
        As it is now
      </Link>
    </>
  );
}

type WithHistory = LifeFactsFragment & {
  readonly history: {
    readonly nodes: readonly TransitionFactsFragment[];
    readonly pageInfo: { readonly hasPreviousPage: boolean };
  };
};

function History({ life, chosen }: { life: WithHistory; chosen: number | null }): ReactNode {
  const { nodes, pageInfo } = life.history;
  return (
    <section className="card history" aria-labelledby="history-title">
      <h2 id="history-title">History</h2>
      {pageInfo.hasPreviousPage && <p className="told">The last {nodes.length} events.</p>}
      <ol>
        {nodes.map(({ cursor, event, to, version, occurredAt, actor }) => (
          <li key={cursor}>
            <Link
              href={`/lives/${life.id}?version=${version}`}
              aria-current={chosen === version ? 'true' : undefined}
            >
              <strong>{nameOf(event)}</strong>
              <PhaseName phase={to} />
              <span className="told">version {version}</span>
            </Link>
            <p className="told">
              <Moment at={occurredAt} />
              {actor !== null && ` by ${actor}`}
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}
