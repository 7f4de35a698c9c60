/** The lives, in pages: which, and in what order, is in the address. */
import { useQuery } from '@apollo/client/react';
import type { ReactNode } from 'react';
import { Link, useSearchParams } from 'wouter';
import { useNews } from '../feed/useNews';
import type { Facts } from '../machine/answers';
import { useColour, useMachine } from '../machine/machine';
import { capitalized, nameOf } from '../machine/names';
import { PhaseName } from '../machine/PhaseName';
import { Failure } from '../parts/Failure';
import { Moment } from '../parts/Moment';
import { View } from '../parts/View';
import { useFeed, useSession } from '../session';
import { BeginButton } from './BeginButton';
import { LifeId } from './LifeId';
import { Pages } from './Pages';
import { type Choice, choiceOf, useAddresses, variablesOf } from './addresses';

const anyNews = (): boolean => true;

export function LivesView(): ReactNode {
  const { documents } = useSession();
  const machine = useMachine();
  const { many } = machine.words;
  const [search] = useSearchParams();
  const choice = choiceOf(search, machine);
  const { data, previousData, error, refetch } = useQuery(documents.lives, {
    variables: variablesOf(choice),
    fetchPolicy: 'cache-and-network',
  });
  useNews(refetch, anyNews);
  const lives = (data ?? previousData)?.lives;
  return (
    <View title={capitalized(many)} aside={<BeginButton />}>
      <section
        className="card lives"
        aria-label={`All ${many}`}
        aria-busy={data === undefined && !error}
      >
        <Filters choice={choice} />
        {error && <Failure error={error} again={() => void refetch().catch(() => undefined)} />}
        {lives && <Table lives={lives.nodes} />}
        {lives && <Pages choice={choice} page={lives} />}
        {!lives && !error && <p className="empty">Looking…</p>}
      </section>
    </View>
  );
}

function Filters({ choice }: { choice: Choice }): ReactNode {
  const { states } = useMachine();
  const addresses = useAddresses();
  const { counts } = useFeed();
  const colour = useColour();
  const { phase: chosen, oldestFirst } = choice;
  return (
    <div className="filters">
      <nav aria-label="Phase" className="segments">
        <Link
          href={addresses.list({ oldestFirst })}
          aria-current={chosen === null ? 'true' : undefined}
        >
          All
        </Link>
        {states.map(({ phase }) => (
          <Link
            key={phase}
            href={addresses.list({ phase, oldestFirst })}
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
            href={addresses.list({ phase: chosen, oldestFirst: oldest })}
            aria-current={oldestFirst === oldest ? 'true' : undefined}
          >
            {oldest ? 'Oldest first' : 'Newest first'}
          </Link>
        ))}
      </nav>
    </div>
  );
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
              <Moment at={createdAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
