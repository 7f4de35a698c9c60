/** The machine, as the server describes it; nothing of it is written down here. */
import { useQuery } from '@apollo/client/react';
import { MachineDocument, type MachineQuery } from '../graphql/graphql';

export type MachineState = MachineQuery['machine']['states'][number];

const NONE: readonly MachineState[] = [];

/** @returns its states; none until they are known */
export function useMachine(): readonly MachineState[] {
  return useQuery(MachineDocument).data?.machine.states ?? NONE;
}

/** As people write what GraphQL spells in capitals: `ALIVE` is Alive. */
export function nameOf(constant: string): string {
  return constant.charAt(0) + constant.slice(1).toLowerCase().replaceAll('_', ' ');
}

/** Which of the colours is a phase's: its place in the machine's list. */
export function useColour(): (phase: string) => number {
  const states = useMachine();
  return (phase) =>
    Math.max(
      0,
      states.findIndex((state) => state.phase === phase),
    ) % COLOURS;
}

/** As many as style.css has. */
const COLOURS = 6;
