/**
 * The whole feed, in pages, the newest first: which page, and of which event, is in the address. What comes meanwhile
 * is counted, and shown when the reader asks for it: a list that moves by itself cannot be read.
 */
import { type ReactNode, useEffect, useState } from 'react';
import { Link, useSearchParams } from 'wouter';
import { useAsked } from '../client/useAsked';
import { feedChoiceOf, feedVariablesOf, useAddresses } from '../lives/addresses';
import { Pages } from '../parts/Pages';
import type { Transition } from '../machine/answers';
import { useMachine } from '../machine/machine';
import { nameOf } from '../machine/names';
import { Unanswered } from '../parts/Unanswered';
import { View } from '../parts/View';
import { useSession } from '../session';
import { TransitionList } from './TransitionList';

/** The most new ones that are counted: a reader who is that far behind needs no number. */
const MOST = 1_000;

export function FeedView(): ReactNode {
  const { documents } = useSession();
  const machine = useMachine();
  const addresses = useAddresses();
  const [search] = useSearchParams();
  const choice = feedChoiceOf(search, machine);
  const asked = useAsked(documents.transitions, feedVariablesOf(choice));
  const { data, previousData, error, again } = asked;
  const page = (data ?? previousData)?.transitions;
  const news = useNewSince(page?.nodes.at(-1), choice.event);
  const { event } = choice;
  return (
    <View title="Feed" isNarrow>
      <section className="card" aria-label="All that happened" aria-busy={!data && !error}>
        <div className="filters">
          <nav aria-label="Event" className="segments">
            {[null, ...machine.events.map((each) => each.event)].map((each) => (
              <Link
                key={each ?? ''}
                href={addresses.feed({ event: each })}
                aria-current={each === event ? 'true' : undefined}
              >
                {each === null ? 'All' : nameOf(each)}
              </Link>
            ))}
          </nav>
          {page && !page.pageInfo.hasNextPage && (
            <button
              className="news"
              aria-disabled={news === 0}
              onClick={() => {
                if (news > 0) void again().catch(() => undefined);
              }}
            >
              {news === 0 ? 'Nothing new' : `Show ${news} new`}
            </button>
          )}
        </div>
        <Unanswered asked={asked} />
        {page && (
          <>
            {page.nodes.length === 0 ? (
              <p className="empty">
                {event === null ? 'Nothing yet.' : `No ${nameOf(event)} here.`}
              </p>
            ) : (
              <TransitionList transitions={page.nodes.toReversed()} isWhole />
            )}
            <Pages
              pages={[
                ['Newest', addresses.feed({ event }), page.pageInfo.hasNextPage],
                [
                  'Newer',
                  addresses.feed({ event, after: page.pageInfo.endCursor }),
                  page.pageInfo.hasNextPage,
                ],
                [
                  'Older',
                  addresses.feed({ event, before: page.pageInfo.startCursor }),
                  page.pageInfo.hasPreviousPage,
                ],
              ]}
            />
          </>
        )}
      </section>
    </View>
  );
}

/** @returns how many transitions by an event came after the newest that is shown */
function useNewSince(newest: Transition | undefined, event: string | null): number {
  const { feed } = useSession();
  const [seen, setSeen] = useState<readonly Transition[]>([]);
  useEffect(
    () =>
      feed.watch(
        (transition) => {
          setSeen((others) => [...others, transition].slice(-MOST));
        },
        () => {
          setSeen([]);
        },
      ),
    [feed],
  );
  // The feed has one order: what comes after the newest that is shown is new, and the rest is not.
  const at = seen.findLastIndex(({ cursor }) => cursor === newest?.cursor);
  return seen.slice(at + 1).filter((each) => event === null || each.event === event).length;
}
