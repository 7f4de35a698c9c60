/** The overview: the machine with all that is in it, the census, and the feed. */
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { FeedList } from '../feed/FeedList';
import { MachinePicture } from '../machine/MachinePicture';
import { useColour, useMachine } from '../machine/machine';
import { nameOf } from '../machine/names';
import { View } from '../parts/View';
import { useFeed, useSession } from '../session';
import { BeginButton } from './BeginButton';
import { LoadPanel } from './LoadPanel';
import { useAddresses } from './addresses';

export function HomeView(): ReactNode {
  const { feed } = useSession();
  const machine = useMachine();
  const { counts } = useFeed();
  const addresses = useAddresses();
  return (
    <View title="Overview" aside={<BeginButton />}>
      <div className="overview">
        <section className="card picture" aria-labelledby="machine-title">
          <h2 id="machine-title">The machine, now</h2>
          <MachinePicture
            machine={machine}
            counts={counts}
            watch={feed.watch}
            linkTo={(phase) => addresses.list({ phase })}
          />
          <Census />
        </section>
        <FeedList />
        <LoadPanel />
      </div>
    </View>
  );
}

function Census(): ReactNode {
  const { states, words } = useMachine();
  const addresses = useAddresses();
  const { counts } = useFeed();
  const colour = useColour();
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return (
    <div className="census">
      <div className="bar" aria-hidden="true">
        {states.map(({ phase }) => (
          <span key={phase} data-colour={colour(phase)} style={{ flexGrow: counts[phase] ?? 0 }} />
        ))}
      </div>
      <dl aria-label="Census">
        <div>
          <dt>All {words.many}</dt>
          <dd>{total.toLocaleString()}</dd>
        </div>
        {states.map(({ phase }) => (
          <div key={phase} data-colour={colour(phase)}>
            <dt>
              <Link href={addresses.list({ phase })}>{nameOf(phase)}</Link>
            </dt>
            <dd>{counts[phase]?.toLocaleString() ?? '–'}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
