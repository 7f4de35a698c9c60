/** In place of an answer: that it is awaited, what is in its way, or why it will not come. */
import type { ReactNode } from 'react';
import type { Asked } from '../client/useAsked';
import { hasCode } from '../client/failures';
import { Failure } from './Failure';

/** Nothing, where there is an answer to show. */
export function Unanswered({ asked }: { asked: Asked<unknown> }): ReactNode {
  const { data, previousData, trouble, error, again } = asked;
  if (error !== undefined) {
    return (
      <Failure error={error}>
        {/* What is in the address stays what it is. */}
        {!hasCode(error, 'BAD_USER_INPUT') && (
          <button onClick={() => void again().catch(() => undefined)}>Try again</button>
        )}
      </Failure>
    );
  }
  if (data !== undefined || previousData !== undefined) return null;
  if (trouble === undefined) return <Looking />;
  return (
    <Failure error={trouble}>
      <p>The page asks again until the server answers.</p>
    </Failure>
  );
}

export function Looking(): ReactNode {
  return <p className="empty">Looking…</p>;
}
