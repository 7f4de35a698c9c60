/** The overview: the machine with all that is in it, the census, and the feed. */
import type { ReactNode } from 'react';
import { FeedList } from '../feed/FeedList';
import { MachinePicture } from '../machine/MachinePicture';
import { useColour, useMachine } from '../machine/machine';
import { View } from '../parts/View';
import { totalOf } from '../feed/Feed';
import { useFeed, useSession } from '../session';
import { BeginButton } from './BeginButton';
import { LoadPanel } from './LoadPanel';
import { useAddresses } from './addresses';

export function HomeView(): ReactNode {
  const { feed } = useSession();
  const machine = useMachine();
  const { words } = machine;
  const { counts } = useFeed();
  const total = totalOf(counts);
  const addresses = useAddresses();
  return (
    <View title="Overview" aside={<BeginButton />}>
      <div className="overview">
        <section className="card picture" aria-labelledby="machine-title">
          <div className="heading">
            <h2 id="machine-title">The machine, now</h2>
            <p className={total === undefined ? 'pending' : undefined}>
              <strong data-count="all">{total?.toLocaleString()}</strong>{' '}
              {total === 1 ? words.one : words.many} in all
            </p>
          </div>
          <MachinePicture
            machine={machine}
            counts={counts}
            watch={feed.watch}
            linkTo={(phase) => addresses.list({ phase })}
          />
          <Census total={total ?? 0} />
        </section>
        <FeedList />
        <LoadPanel />
      </div>
    </View>
  );
}

/** How the states compare. Their numbers are in the picture. */
function Census({ total }: { total: number }): ReactNode {
  const { states } = useMachine();
  const { counts } = useFeed();
  const colour = useColour();
  let before = 0;
  return (
    <div className="bar" aria-hidden="true">
      {states.map(({ phase }) => {
        const share = (counts[phase] ?? 0) / Math.max(1, total);
        const transform = `translateX(${before * 100}%) scaleX(${share})`;
        before += share;
        return <span key={phase} data-colour={colour(phase)} style={{ transform }} />;
      })}
    </div>
  );
}
