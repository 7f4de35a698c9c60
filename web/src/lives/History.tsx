/** What happened to a life, and after how long; each of its versions is a link to the life as it was. */
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Transition, WithHistory } from '../machine/answers';
import { nameOf } from '../machine/names';
import { PhaseName } from '../machine/PhaseName';
import { written } from '../parts/durations';
import { Moment } from '../parts/Moment';
import { useAddresses } from './addresses';

export function History({ life, chosen }: { life: WithHistory; chosen: number | null }): ReactNode {
  const addresses = useAddresses();
  const { nodes, pageInfo } = life.history;
  return (
    <section className="card history" aria-labelledby="history-title">
      <h2 id="history-title">History</h2>
      {pageInfo.hasPreviousPage && <p className="told">The last {nodes.length} events.</p>}
      <ol>
        {nodes.map((transition, index) => (
          <li key={transition.cursor}>
            <Link
              href={addresses.one(life.id, transition.version)}
              aria-current={chosen === transition.version ? 'true' : undefined}
            >
              <Step transition={transition} before={nodes[index - 1]} />
            </Link>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Step({
  transition: { event, from, to, version, occurredAt, actor },
  before,
}: {
  transition: Transition;
  before: Transition | undefined;
}): ReactNode {
  return (
    <>
      <span className="what">
        <strong>{nameOf(event)}</strong> <PhaseName phase={to} />{' '}
        <span className="told">version {version}</span>
      </span>{' '}
      <span className="told">
        <Moment at={occurredAt} />
        {actor !== null && ` by ${actor}`}
      </span>{' '}
      {before && from !== null && (
        <span className="told">
          after {written(Date.parse(occurredAt) - Date.parse(before.occurredAt))} as {nameOf(from)}
        </span>
      )}
    </>
  );
}
