/** The overview: the machine with all lives in it, the census, and the feed. */
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { FeedList } from '../feed/FeedList';
import { MachineFailure } from '../machine/MachineFailure';
import { MachinePicture } from '../machine/MachinePicture';
import { nameOf, useColour, useMachine } from '../machine/machine';
import { View } from '../parts/View';
import { useFeed, useSession } from '../session';
import { BEGINNING } from './changes';
import { ConceiveButton } from './ConceiveButton';
import { LoadPanel } from './LoadPanel';
import { livesIn } from './addresses';

export function HomeView(): ReactNode {
  const { feed } = useSession();
  const states = useMachine();
  const { counts, connection } = useFeed();
  return (
    <View title="Overview" aside={<ConceiveButton />}>
      <div className="overview">
        <section className="card picture" aria-labelledby="machine-title">
          <h2 id="machine-title">The machine, now</h2>
          {states.length === 0 ? (
            <MachineFailure isLive={connection.state === 'live'} />
          ) : (
            <MachinePicture
              states={states}
              beginning={BEGINNING}
              counts={counts}
              watch={feed.watch}
              linkTo={livesIn}
            />
          )}
          <Census />
        </section>
        <FeedList />
        <LoadPanel />
      </div>
    </View>
  );
}

function Census(): ReactNode {
  const states = useMachine();
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
          <dt>All lives</dt>
          <dd>{total.toLocaleString()}</dd>
        </div>
        {states.map(({ phase }) => (
          <div key={phase} data-colour={colour(phase)}>
            <dt>
              <Link href={livesIn(phase)}>{nameOf(phase)}</Link>
            </dt>
            <dd>{counts[phase]?.toLocaleString() ?? '–'}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
