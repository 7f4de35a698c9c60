/** What is shown until the machine is known, without which nothing else can be asked for; asks for it until it is. */
import type { ApolloClient } from '@apollo/client';
import { useQuery } from '@apollo/client/react';
import { type ReactNode, useEffect } from 'react';
import { backoff, pause } from '../client/backoff';
import { isPassing } from '../client/failures';
import { MachineDocument } from '../graphql/graphql';
import { Failure } from '../parts/Failure';
import { type Machine, describe } from './machine';

interface Props {
  readonly client: ApolloClient;
  /** Is called with the machine once it is known; the same function each time. */
  readonly onMachine: (machine: Machine) => void;
}

export function MachineGate({ client, onMachine }: Props): ReactNode {
  const { data, error, refetch } = useQuery(MachineDocument, { client });
  const again = (): void => void refetch().catch(() => undefined);
  useEffect(() => {
    if (data) onMachine(describe(data.machine));
  }, [data, onMachine]);
  useEffect(() => {
    // Not whenever it fails: a server that is there and has no answer would be asked for ever.
    if (!error || !isPassing(error)) return;
    const leaving = new AbortController();
    void pause(backoff(1), leaving.signal).then(() => {
      if (!leaving.signal.aborted) again();
    });
    return () => {
      leaving.abort();
    };
  }, [error]);
  return (
    <main id="main">
      <h1 className="unseen">The state machine</h1>
      {error ? <Failure error={error} again={again} /> : <p className="empty">Looking…</p>}
    </main>
  );
}
