/** That the machine is not known, while it is not: why, and another question for it. */
import { useQuery } from '@apollo/client/react';
import { type ReactNode, useEffect } from 'react';
import { MachineDocument } from '../graphql/graphql';
import { Failure } from '../parts/Failure';
import { useFeed } from '../session';

/** To be shown in place of what needs the machine. */
export function MachineFailure(): ReactNode {
  const { error, refetch } = useQuery(MachineDocument);
  const isLive = useFeed().connection.state === 'live';
  const again = (): void => void refetch().catch(() => undefined);
  // Not whenever it fails: a server that is there and has no answer would be asked for ever.
  useEffect(() => {
    if (isLive) again();
  }, [isLive]);
  return error ? <Failure error={error} again={again} /> : <p className="empty">Looking…</p>;
}
