/** What is in the way of a change, with what is done about it. Nothing, while nothing is. */
import type { ReactNode } from 'react';
import { Failure } from '../parts/Failure';
import { Notice } from '../parts/Notice';
import type { Change } from './useChange';

interface Props {
  readonly change: Change;
  /** Sends the same again, where a person may; left out: the button is there for it. */
  readonly again?: (() => void) | undefined;
  /** Forgets what is told, where it lies over other things. */
  readonly onClose?: (() => void) | undefined;
}

export function ChangeNotice({ change, again, onClose }: Props): ReactNode {
  const { trouble, error, isStopped, stop } = change;
  if (trouble !== undefined) {
    return (
      <Failure error={trouble}>
        <p>The page sends it again, with the same key, until the server answers.</p>
        <button type="button" onClick={stop}>
          Stop sending
        </button>
      </Failure>
    );
  }
  if (error !== undefined) {
    return (
      <Failure error={error} onClose={onClose}>
        {again && (
          <button type="button" onClick={again}>
            Try again
          </button>
        )}
      </Failure>
    );
  }
  return (
    isStopped && (
      <Notice onClose={onClose}>
        <p>
          It is not sent again. The server may have done it: if you ask for the same once more, it
          has the same key, and is done once.
        </p>
      </Notice>
    )
  );
}
