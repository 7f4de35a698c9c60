/** Transitions as a list, the first being the first: what happened, to which one, and what that made of it. */
import type { ReactNode } from 'react';
import { LifeId } from '../lives/LifeId';
import type { Transition } from '../machine/answers';
import { nameOf } from '../machine/names';
import { PhaseName } from '../machine/PhaseName';
import { Moment } from '../parts/Moment';

interface Props {
  readonly transitions: readonly Transition[];
  /** With the version, the actor, and the moment to the millisecond. */
  readonly isWhole?: boolean;
}

export function TransitionList({ transitions, isWhole = false }: Props): ReactNode {
  return (
    <ol className={isWhole ? 'transitions whole' : 'transitions'}>
      {transitions.map(({ cursor, event, from, to, lifeId, recordedAt, version, actor }) => (
        <li key={cursor}>
          <strong>{nameOf(event)}</strong>
          <LifeId id={lifeId} whole={isWhole} />
          <span className="change">
            {from !== null && (
              <>
                <PhaseName phase={from} />
                <span aria-hidden="true">→</span>
                <span className="unseen">to</span>
              </>
            )}
            <PhaseName phase={to} />
          </span>
          {isWhole && (
            <span className="told">
              version {version}
              {actor !== null && ` by ${actor}`}
            </span>
          )}
          <Moment at={recordedAt} to={isWhole ? 'exact' : 'time'} />
        </li>
      ))}
    </ol>
  );
}
