/** An answer that did not come, told as a sentence, with what is done about it. */
import type { ReactNode } from 'react';
import { sentenceOf } from '../client/failures';

interface Props {
  readonly error: unknown;
  /** What a person may do about it, and what the page does. */
  readonly children?: ReactNode;
}

export function Failure({ error, children }: Props): ReactNode {
  return (
    <div className="notice" role="alert">
      <p>{sentenceOf(error)}</p>
      {children}
    </div>
  );
}
