/** Why a life did not change, in sentences: what the server says, and what that means for who asked. */
import type { ReactNode } from 'react';
import { nameOf } from '../machine/machine';
import { PhaseName } from '../machine/PhaseName';
import { Moment } from '../parts/Moment';
import type { Refusal } from './changes';

export function RefusalNotice({ refusal }: { refusal: Refusal }): ReactNode {
  return (
    <div className="notice" role="alert">
      <p>
        <strong>{refusal.message}</strong>
      </p>
      <p>
        <Meaning refusal={refusal} />
      </p>
    </div>
  );
}

function Meaning({ refusal }: { refusal: Refusal }): ReactNode {
  switch (refusal.__typename) {
    case 'IllegalTransition': {
      const [winner] = refusal.life.history.nodes;
      return (
        <>
          {winner && (
            <>
              Somebody was faster: {nameOf(winner.event)}
              {winner.actor !== null && ` by ${winner.actor}`}, at{' '}
              <Moment at={winner.recordedAt} short />, made this life’s version {winner.version}
              .{' '}
            </>
          )}
          It is <PhaseName phase={refusal.life.phase} /> now, and{' '}
          {refusal.life.nextEvents.length === 0
            ? 'nothing can happen to it any more.'
            : `what can happen to it is: ${refusal.life.nextEvents.map(nameOf).join(', ')}.`}
        </>
      );
    }
    case 'LifeNotFound':
      return 'Perhaps its link was cut short, or it belongs to another database.';
    case 'OccurredAtOutOfRange':
      return (
        <>
          It can have happened between <Moment at={refusal.earliest} /> and{' '}
          <Moment at={refusal.latest} />. Is a clock wrong?
        </>
      );
    case 'IdempotencyKeyReused':
      return 'The key of this request was used for something else. Try again: it gets another.';
  }
}
