/** The latest transitions; a screen reader is told how many came. */
import { type ReactNode, useEffect, useState } from 'react';
import { Link } from 'wouter';
import { useAddresses } from '../lives/addresses';
import { useMachine } from '../machine/machine';
import { capitalized, nameOf, wordsOf } from '../machine/names';
import { useFeed, useSession } from '../session';
import { TransitionList } from './TransitionList';

/** How often a screen reader is told, in milliseconds. */
const TELLING = 8_000;

export function FeedList(): ReactNode {
  const { recent, connection } = useFeed();
  const { beginning } = useMachine();
  const begin = capitalized(wordsOf(beginning.mutation));
  return (
    <section className="card feed" aria-labelledby="feed-title">
      <div className="heading">
        <h2 id="feed-title">What happens</h2>
        <Link href={useAddresses().feed()}>The whole feed</Link>
      </div>
      <Announcer />
      {recent.length === 0 ? (
        <p className="empty">
          {connection.state === 'live' ? `Nothing yet. Begin with “${begin}”.` : 'Listening…'}
        </p>
      ) : (
        <TransitionList transitions={recent} />
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
