/** Whether what is shown is live; and where it is not, as of when it is. */
import { type ReactNode, useEffect, useState } from 'react';
import { sentenceOf } from '../client/failures';
import type { Connection } from '../client/follow';
import { Moment } from '../parts/Moment';
import { useFeed } from '../session';

const WORDS: Readonly<Record<Connection['state'], string>> = {
  connecting: 'Connecting…',
  live: 'Live',
  reconnecting: 'Reconnecting…',
  refused: 'Not live',
};

export function ConnectionState(): ReactNode {
  const { connection, heardAt } = useFeed();
  const { state } = connection;
  return (
    <>
      <p className="connection" data-state={state}>
        {/* Told once; the seconds are for the eye. Another word is another element, which does not move. */}
        <span role="status">
          <span key={state} className="words">
            {WORDS[state]}
          </span>
        </span>
        {state === 'reconnecting' && <Seconds since={connection.since} />}
      </p>
      <p className="age" role="status">
        {state === 'reconnecting' && (
          <>
            The server is away.{' '}
            {heardAt !== undefined && (
              <>
                What you see is as of <Moment at={new Date(heardAt).toISOString()} to="time" />.
              </>
            )}
          </>
        )}
        {state === 'refused' && `What you see does not change: ${sentenceOf(connection.error)}`}
      </p>
    </>
  );
}

function Seconds({ since }: { since: number }): ReactNode {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now());
    }, 1_000);
    return () => {
      clearInterval(timer);
    };
  }, []);
  return (
    <span aria-hidden="true" className="seconds">
      {Math.max(0, Math.round((now - since) / 1_000))} s
    </span>
  );
}
