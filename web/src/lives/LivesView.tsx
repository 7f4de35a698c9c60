/** The lives, in pages: which, and in what order, is in the address. */
import { useQuery } from '@apollo/client/react';
import type { ComponentProps, ReactNode } from 'react';
import { Link, useSearchParams } from 'wouter';
import { useNews } from '../feed/useNews';
import { type LivesQuery, LivesDocument, type Phase } from '../graphql/graphql';
import { nameOf, useColour, useMachine } from '../machine/machine';
import { MachineFailure } from '../machine/MachineFailure';
import { PhaseName } from '../machine/PhaseName';
import { Failure } from '../parts/Failure';
import { Moment } from '../parts/Moment';
import { View } from '../parts/View';
import { useFeed } from '../session';
import { type Choice, addressOf, choiceOf, variablesOf } from './addresses';
import { ConceiveButton } from './ConceiveButton';
import { LifeId } from './LifeId';

const anyNews = (): boolean => true;

export function LivesView(): ReactNode {
  const states = useMachine();
  const { connection } = useFeed();
  return (
    <View title="Lives" aside={<ConceiveButton />}>
      {states.length === 0 ? (
        <MachineFailure isLive={connection.state === 'live'} />
      ) : (
        <Lives phases={states.map(({ phase }) => phase)} />
      )}
    </View>
  );
}

function Lives({ phases }: { phases: readonly Phase[] }): ReactNode {
  const [search] = useSearchParams();
  const choice = choiceOf(search, phases);
  const { data, previousData, error, refetch } = useQuery(LivesDocument, {
    variables: variablesOf(choice),
    fetchPolicy: 'cache-and-network',
  });
  useNews(refetch, anyNews);
  const lives = (data ?? previousData)?.lives;
  return (
    <section className="card lives" aria-label="All lives" aria-busy={data === undefined && !error}>
      <Filters choice={choice} phases={phases} />
      {error && <Failure error={error} again={() => void refetch().catch(() => undefined)} />}
      {lives && <Table lives={lives.nodes} />}
      {lives && <Pages choice={choice} {...lives} />}
      {!lives && !error && <p className="empty">Looking…</p>}
    </section>
  );
}

function Filters({ choice, phases }: { choice: Choice; phases: readonly Phase[] }): ReactNode {
  const { counts } = useFeed();
  const colour = useColour();
  const { phase: chosen, oldestFirst } = choice;
  return (
    <div className="filters">
      <nav aria-label="Phase" className="segments">
        <Link href={addressOf({ oldestFirst })} aria-current={chosen === null ? 'true' : undefined}>
          All
        </Link>
        {phases.map((phase) => (
          <Link
            key={phase}
            href={addressOf({ phase, oldestFirst })}
            aria-current={chosen === phase ? 'true' : undefined}
            data-colour={colour(phase)}
          >
            {nameOf(phase)} <span className="number">{counts[phase]?.toLocaleString()}</span>
          </Link>
        ))}
      </nav>
      <nav aria-label="Order" className="segments">
        {[false, true].map((oldest) => (
          <Link
            key={String(oldest)}
            href={addressOf({ phase: chosen, oldestFirst: oldest })}
            aria-current={oldestFirst === oldest ? 'true' : undefined}
          >
            {oldest ? 'Oldest first' : 'Newest first'}
          </Link>
        ))}
      </nav>
    </div>
  );
}

function Table({ lives }: { lives: LivesQuery['lives']['nodes'] }): ReactNode {
  if (lives.length === 0) return <p className="empty">No lives here.</p>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Life</th>
          <th scope="col">Phase</th>
          <th scope="col" className="number">
            Version
          </th>
          <th scope="col">Conceived</th>
        </tr>
      </thead>
      <tbody>
        {lives.map(({ id, phase, version, createdAt }) => (
          <tr key={id}>
            <td>
              <LifeId id={id} whole />
            </td>
            <td>
              <PhaseName phase={phase} />
            </td>
            <td className="number">{version}</td>
            <td>
              <Moment at={createdAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Pages({
  choice,
  totalCount,
  pageInfo: { hasPreviousPage, hasNextPage, startCursor, endCursor },
}: { choice: Choice } & LivesQuery['lives']): ReactNode {
  const page = (after: string | null, before: string | null): string =>
    addressOf({ ...choice, after, before });
  return (
    <nav aria-label="Pages" className="pages">
      <p role="status">
        {totalCount.toLocaleString()} {totalCount === 1 ? 'life' : 'lives'}
      </p>
      <PageLink href={page(null, null)} isThere={hasPreviousPage}>
        First
      </PageLink>
      <PageLink href={page(null, startCursor)} isThere={hasPreviousPage}>
        Previous
      </PageLink>
      <PageLink href={page(endCursor, null)} isThere={hasNextPage}>
        Next
      </PageLink>
    </nav>
  );
}

/** Stays where it is when there is no such page, so that the others do not move, and the focus is not lost. */
function PageLink({
  href,
  isThere,
  children,
}: {
  href: string;
  isThere: boolean;
  children: string;
}): ReactNode {
  return (
    <Link href={href} asChild>
      <Anchor isThere={isThere}>{children}</Anchor>
    </Link>
  );
}

/** The same element whether or not it leads anywhere. `Link` gives it where to, and how to go there. */
function Anchor({
  isThere,
  children,
  ...leading
}: { isThere: boolean; children: string } & ComponentProps<'a'>): ReactNode {
  return (
    <a
      className="button"
      {...(isThere ? leading : { role: 'link', 'aria-disabled': true, tabIndex: -1 })}
    >
      {children}
    </a>
  );
}
