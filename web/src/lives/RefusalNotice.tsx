/** Why a life did not change, in sentences: what the server says, and what that means for the person. */
import type { ReactNode } from 'react';
import type { Refusal } from '../machine/answers';
import { useMachine } from '../machine/machine';
import { nameOf } from '../machine/names';
import { PhaseName } from '../machine/PhaseName';
import { Moment } from '../parts/Moment';
import { Notice } from '../parts/Notice';

interface Props {
  readonly refusal: Refusal;
  /** As of a notice. */
  readonly onClose?: (() => void) | undefined;
}

export function RefusalNotice({ refusal, onClose }: Props): ReactNode {
  const meaning = useMeaning(refusal);
  return (
    <Notice onClose={onClose}>
      <p>
        <strong>{refusal.refusalMessage}</strong>
      </p>
      {meaning !== null && <p>{meaning}</p>}
    </Notice>
  );
}

/** @returns null for a refusal of the machine's own, whose message must do */
function useMeaning(refusal: Refusal): ReactNode {
  const { name } = useMachine();
  const { refusalLife: life, refusalEarliest: earliest, refusalLatest: latest } = refusal;
  if (life) return <Loss life={life} />;
  if (earliest !== undefined && latest !== undefined) {
    return (
      <>
        It can have happened between <Moment at={earliest} /> and <Moment at={latest} />. Is a clock
        wrong?
      </>
    );
  }
  switch (refusal.__typename) {
    case `${name}NotFound`:
      return 'Perhaps its link was cut short, or it belongs to another database.';
    case 'IdempotencyKeyReused':
      return 'The key of this request was used for something else. Try again: it gets another.';
    default:
      return null;
  }
}

/** Of an event that the life did not accept: who was faster, and what it accepts now. */
function Loss({ life }: { life: NonNullable<Refusal['refusalLife']> }): ReactNode {
  const { words } = useMachine();
  const [winner] = life.history.nodes;
  return (
    <>
      {winner && (
        <>
          Another change was faster: {nameOf(winner.event)}
          {winner.actor !== null && ` by ${winner.actor}`}, at{' '}
          <Moment at={winner.recordedAt} to="time" />, made this {words.one}’s version{' '}
          {winner.version}.{' '}
        </>
      )}
      It is <PhaseName phase={life.phase} /> now, and{' '}
      {life.nextEvents.length === 0
        ? 'nothing can happen to it any more.'
        : `what can happen to it is: ${life.nextEvents.map(nameOf).join(', ')}.`}
    </>
  );
}
