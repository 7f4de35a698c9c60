/** What happened to a life; each of its versions is a link to the life as it was. */
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { WithHistory } from '../machine/answers';
import { nameOf } from '../machine/names';
import { PhaseName } from '../machine/PhaseName';
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
        {nodes.map(({ cursor, event, to, version, occurredAt, actor }) => (
          <li key={cursor}>
            <Link
              href={addresses.one(life.id, version)}
              aria-current={chosen === version ? 'true' : undefined}
            >
              <strong>{nameOf(event)}</strong>
              <PhaseName phase={to} />
              <span className="told">version {version}</span>
            </Link>
            <p className="told">
              <Moment at={occurredAt} />
              {actor !== null && ` by ${actor}`}
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}
