/** A phase by its name and colour. */
import type { ReactNode } from 'react';
import type { Phase } from '../graphql/graphql';
import { nameOf, useColour } from './machine';

export function PhaseName({ phase }: { phase: Phase }): ReactNode {
  const colour = useColour();
  return (
    <span className="phase" data-colour={colour(phase)}>
      {nameOf(phase)}
    </span>
  );
}
