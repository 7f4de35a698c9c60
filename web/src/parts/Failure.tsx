/** An answer that did not come, told as a sentence, with what is done about it. */
import type { ReactNode } from 'react';
import { sentenceOf } from '../client/failures';
import { Notice } from './Notice';

interface Props {
  readonly error: unknown;
  /** What a person may do about it, and what the page does. */
  readonly children?: ReactNode;
  readonly onClose?: (() => void) | undefined;
}

export function Failure({ error, children, onClose }: Props): ReactNode {
  return (
    <Notice onClose={onClose}>
      <p>{sentenceOf(error)}</p>
      {children}
    </Notice>
  );
}
