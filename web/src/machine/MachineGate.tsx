/** What is shown until the machine is known, without which nothing else can be asked for; asks for it until it is. */
import type { ApolloClient } from '@apollo/client';
import { type ReactNode, useEffect } from 'react';
import { useAsked } from '../client/useAsked';
import { MachineDocument } from '../graphql/graphql';
import { Unanswered } from '../parts/Unanswered';
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
      <Unanswered asked={asked} />
    </main>
  );
}
