/** The latest transitions, and for who does not see them come, how many came. */
import { type ReactNode, useEffect, useState } from 'react';
import { LifeId } from '../lives/LifeId';
import { useMachine } from '../machine/machine';
import { capitalized, nameOf, wordsOf } from '../machine/names';
import { PhaseName } from '../machine/PhaseName';
import { Moment } from '../parts/Moment';
import { useFeed, useSession } from '../session';

/** How often a screen reader is told, in milliseconds. */
const TELLING = 8_000;

export function FeedList(): ReactNode {
  const { recent, connection } = useFeed();
  const { beginning } = useMachine();
  const begin = capitalized(wordsOf(beginning.mutation));
  return (
    <section className="card feed" aria-labelledby="feed-title">
      <h2 id="feed-title">What happens</h2>
      <Announcer />
      {recent.length === 0 ? (
        <p className="empty">
          {connection.state === 'live' ? `Nothing yet. Begin with “${begin}”.` : 'Listening…'}
        </p>
      ) : (
        <ol>
          {recent.map(({ cursor, event, from, to, lifeId, recordedAt }) => (
            <li key={cursor}>
              <strong>{nameOf(event)}</strong>
              <LifeId id={lifeId} />
              <span className="change">
                {from !== null && (
                  <>
                    <PhaseName phase={from} />
                    <span aria-hidden="true">→</span>
                    <span className="unseen">to</span>
                  </>
                )}
                <PhaseName phase={to} />
              </span>
              <Moment at={recordedAt} short />
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function Announcer(): ReactNode {
  const { feed } = useSession();
  const [told, setTold] = useState('');
  useEffect(() => {
    const news = new Map<string, number>();
    const stop = feed.watch(({ event }) => {
      news.set(event, (news.get(event) ?? 0) + 1);
    });
    const timer = setInterval(() => {
      if (news.size === 0) return;
      setTold([...news].map(([event, count]) => `${nameOf(event)}: ${count}`).join(', '));
      news.clear();
    }, TELLING);
    return () => {
      stop();
      clearInterval(timer);
    };
  }, [feed]);
  return (
    <p className="unseen" role="status">
      {told}
    </p>
  );
}
