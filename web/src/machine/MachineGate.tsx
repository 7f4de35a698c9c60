/** What is shown until there are views: asks for the machine, without which nothing else can be asked for, until it is known. */
import type { ApolloClient } from '@apollo/client';
import { type ReactNode, useEffect } from 'react';
import { useAsked } from '../client/useAsked';
import { MachineDocument } from '../graphql/graphql';
import { Looking, Unanswered } from '../parts/Unanswered';
import { type Machine, describe } from './machine';

interface Props {
  readonly client: ApolloClient;
  /** Is called with the machine once it is known; the same function each time. */
  readonly onMachine: (machine: Machine) => void;
}

export function MachineGate({ client, onMachine }: Props): ReactNode {
  const asked = useAsked(MachineDocument, {}, client);
  const { data } = asked;
  useEffect(() => {
    if (data) onMachine(describe(data.machine));
  }, [data, onMachine]);
  return (
    <main id="main">
      <h1 className="unseen">The state machine</h1>
      {data ? <Looking /> : <Unanswered asked={asked} />}
    </main>
  );
}
