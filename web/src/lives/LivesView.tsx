/** The lives, in pages: which, and in what order, is in the address. */
import type { ReactNode } from 'react';
import { Link, useSearchParams } from 'wouter';
import { useAsked } from '../client/useAsked';
import { totalOf } from '../feed/Feed';
import { useNews } from '../feed/useNews';
import type { Facts } from '../machine/answers';
import { useColour, useMachine } from '../machine/machine';
import { capitalized, nameOf } from '../machine/names';
import { PhaseName } from '../machine/PhaseName';
import { Moment } from '../parts/Moment';
import { Unanswered } from '../parts/Unanswered';
import { View } from '../parts/View';
import { useFeed, useSession } from '../session';
import { BeginButton } from './BeginButton';
import { FindForm } from './FindForm';
import { LifeId } from './LifeId';
import { Pages } from '../parts/Pages';
import { type Choice, choiceOf, useAddresses, variablesOf } from './addresses';

const anyNews = (): boolean => true;

export function LivesView(): ReactNode {
  const { documents } = useSession();
  const machine = useMachine();
  const { many } = machine.words;
  const addresses = useAddresses();
  const [search] = useSearchParams();
  const choice = choiceOf(search, machine);
  const asked = useAsked(documents.lives, variablesOf(choice));
  const { data, previousData, error, again } = asked;
  useNews(again, anyNews);
  const lives = (data ?? previousData)?.lives;
  const to = (after: string | null, before: string | null): string =>
    addresses.list({ ...choice, after, before });
  return (
    <View title={capitalized(many)} isNarrow aside={<BeginButton />}>
      <section
        className="card lives"
        aria-label={`All ${many}`}
        aria-busy={data === undefined && error === undefined}
      >
        <Filters choice={choice} />
        <Unanswered asked={asked} />
        {lives && (
          <>
            <Table lives={lives.nodes} />
            <Pages
              pages={[
                ['First', to(null, null), lives.pageInfo.hasPreviousPage],
                ['Previous', to(null, lives.pageInfo.startCursor), lives.pageInfo.hasPreviousPage],
                ['Next', to(lives.pageInfo.endCursor, null), lives.pageInfo.hasNextPage],
              ]}
            />
          </>
        )}
      </section>
    </View>
  );
}

function Filters({ choice }: { choice: Choice }): ReactNode {
  const { states } = useMachine();
  const addresses = useAddresses();
  const { counts, connection } = useFeed();
  const colour = useColour();
  const isPending = totalOf(counts) === undefined && connection.state === 'connecting';
  const { phase: chosen, oldestFirst } = choice;
  return (
    <div className={isPending ? 'filters pending' : 'filters'}>
      <nav aria-label="Phase" className="segments">
        <Link
          href={addresses.list({ oldestFirst })}
          aria-current={chosen === null ? 'true' : undefined}
        >
          All <Count of={totalOf(counts)} />
        </Link>
        {states.map(({ phase }) => (
          <Link
            key={phase}
            href={addresses.list({ phase, oldestFirst })}
            aria-current={chosen === phase ? 'true' : undefined}
            data-colour={colour(phase)}
          >
            {nameOf(phase)} <Count of={counts[phase]} />
          </Link>
        ))}
      </nav>
      <nav aria-label="Order" className="segments">
        {[false, true].map((oldest) => (
          <Link
            key={String(oldest)}
            href={addresses.list({ phase: chosen, oldestFirst: oldest })}
            aria-current={oldestFirst === oldest ? 'true' : undefined}
          >
            {oldest ? 'Oldest first' : 'Newest first'}
          </Link>
        ))}
      </nav>
      <FindForm />
    </div>
  );
}

function Count({ of }: { of: number | undefined }): ReactNode {
  return <span className="number">{of?.toLocaleString() ?? '–'}</span>;
}

function Table({ lives }: { lives: readonly Facts[] }): ReactNode {
  const { beginning, words } = useMachine();
  if (lives.length === 0) return <p className="empty">No {words.many} here.</p>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{capitalized(words.one)}</th>
          <th scope="col">Phase</th>
          <th scope="col" className="number">
            Version
          </th>
          <th scope="col">{nameOf(beginning.event)}</th>
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
              <Moment at={createdAt} to="second" />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
