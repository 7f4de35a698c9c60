/** Whether what is shown is live, and since when it is not. */
import { type ReactNode, useEffect, useState } from 'react';
import { sentenceOf } from '../client/failures';
import { useFeed } from '../session';

export function ConnectionState(): ReactNode {
  const { connection } = useFeed();
  return (
    <p className="connection" data-state={connection.state}>
      {/* Told once; the seconds are for the eye. */}
      <span role="status">
        {connection.state === 'live' && 'Live'}
        {connection.state === 'connecting' && 'Connecting…'}
        {connection.state === 'reconnecting' && 'Reconnecting…'}
        {connection.state === 'refused' && sentenceOf(connection.error)}
      </span>
      {connection.state === 'reconnecting' && <Seconds since={connection.since} />}
    </p>
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
  return <span aria-hidden="true">{Math.max(0, Math.round((now - since) / 1_000))} s</span>;
}
