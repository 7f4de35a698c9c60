/** A phase by its name and colour. */
import type { ReactNode } from 'react';
import { useColour } from './machine';
import { nameOf } from './names';

export function PhaseName({ phase }: { phase: string }): ReactNode {
  const colour = useColour();
  return (
    <span className="phase" data-colour={colour(phase)}>
      {nameOf(phase)}
    </span>
  );
}
