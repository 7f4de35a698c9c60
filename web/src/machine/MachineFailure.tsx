/** That the machine is not known, while it is not: why, and another question for it. */
import { useQuery } from '@apollo/client/react';
import { type ReactNode, useEffect } from 'react';
import { MachineDocument } from '../graphql/graphql';
import { Failure } from '../parts/Failure';

/**
 * To be shown in place of what needs the machine.
 *
 * @param isLive whether the server is known to be there; it is asked again when it becomes so
 */
export function MachineFailure({ isLive }: { readonly isLive: boolean }): ReactNode {
  const { error, refetch } = useQuery(MachineDocument);
  const again = (): void => void refetch().catch(() => undefined);
  // Not whenever it fails: a server that is there and has no answer would be asked for ever.
  useEffect(() => {
    if (isLive) again();
  }, [isLive]);
  return error ? <Failure error={error} again={again} /> : <p className="empty">Looking…</p>;
}
