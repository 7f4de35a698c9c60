/** One life: as it is, what can happen to it, what happened, and as it was at any of its versions. Live. */
import { type ReactNode, useCallback, useEffect, useRef } from 'react';
import { Link, useSearchParams } from 'wouter';
import { hasCode } from '../client/failures';
import { follow } from '../client/follow';
import { useAsked } from '../client/useAsked';
import { useNews } from '../feed/useNews';
import type { Facts, Transition } from '../machine/answers';
import { useMachine } from '../machine/machine';
import { capitalized } from '../machine/names';
import { CopyableId } from '../parts/CopyableId';
import { Unanswered } from '../parts/Unanswered';
import { View } from '../parts/View';
import { useSession } from '../session';
import { Events } from './Events';
import { FactList } from './FactList';
import { FindForm } from './FindForm';
import { History } from './History';
import { useAddresses } from './addresses';

export function LifeView({ id }: { id: string }): ReactNode {
  const { documents } = useSession();
  const { words } = useMachine();
  const addresses = useAddresses();
  const [search] = useSearchParams();
  const chosen = Number(search.get('version')) || null;
  const asked = useAsked(documents.life, { id });
  const { data, error, again } = asked;
  useLifeChanged(id);
  useNews(
    again,
    useCallback(({ lifeId }: Transition) => lifeId === id, [id]),
  );
  const life = data?.life;
  const title = `${capitalized(words.one)} ${id.slice(-12)}`;
  return (
    <View
      title={title}
      isNarrow
      back={
        <Link href={addresses.list()} className="back">
          <span aria-hidden="true">←</span> All {words.many}
        </Link>
      }
      aside={<CopyableId id={id} />}
    >
      {!data && <Unanswered asked={asked} />}
      {(data?.life === null || hasCode(error, 'BAD_USER_INPUT')) && (
        <section className="card stack" aria-labelledby="find-title">
          <h2 id="find-title">
            {data?.life === null ? `There is no ${words.one} with this id` : 'Find another one'}
          </h2>
          <p>
            Perhaps the id was cut short, or belongs to another database. A whole id has 36
            characters.
          </p>
          <FindForm />
        </section>
      )}
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
  const { documents, cache, socket } = useSession();
  useEffect(() => {
    const leaving = new AbortController();
    const { signal } = leaving;
    void follow<undefined, { readonly lifeChanged: Facts }>(
      {
        begin: () => Promise.resolve(undefined),
        // Begins with the life as it is, so there is nothing to resume after.
        after: () => socket.subscribe(documents.lifeChanged, { id }, signal),
        deal: ({ lifeChanged }) => {
          cache.keep(lifeChanged);
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
  }, [documents, cache, socket, id]);
}

function Now({ life, chosen }: { life: Facts; chosen: number | null }): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null);
  return (
    <section className={chosen === null ? 'card now' : 'card now past'} aria-labelledby="now-title">
      <h2 id="now-title" ref={heading} tabIndex={-1}>
        {chosen === null ? 'As it is' : `As it was at version ${chosen} of ${life.version}`}
      </h2>
      {chosen === null ? (
        <>
          <FactList facts={life} />
          <Events life={life} />
        </>
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

function Past({
  id,
  version,
  onLeave,
}: {
  id: string;
  version: number;
  onLeave: () => void;
}): ReactNode {
  const { documents } = useSession();
  const addresses = useAddresses();
  const asked = useAsked(documents.snapshot, { id, version });
  const { data, error } = asked;
  const snapshot = data?.life?.snapshot;
  // A number that is no version is refused, and one beyond the last has no snapshot.
  const isNone = hasCode(error, 'BAD_USER_INPUT') || (data !== undefined && !snapshot);
  return (
    <>
      {snapshot && <FactList facts={snapshot} />}
      {isNone ? <p className="empty">It has no such version.</p> : <Unanswered asked={asked} />}
      <Link href={addresses.one(id)} className="button" onClick={onLeave}>
        As it is now
      </Link>
    </>
  );
}
