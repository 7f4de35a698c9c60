/** An answer that did not come, told as a sentence, with a way to ask again. */
import type { ReactNode } from 'react';
import { sentenceOf } from '../client/failures';

export function Failure({ error, again }: { error: unknown; again?: () => void }): ReactNode {
  return (
    <div className="notice" role="alert">
      <p>{sentenceOf(error)}</p>
      {again && <button onClick={again}>Try again</button>}
    </div>
  );
}
