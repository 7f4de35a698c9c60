/**
 * A change that is on its way, for a view that shows how it stands: it is sent until the server answers, the person
 * stops it, or the view is gone. Does not know what is changed.
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import { isPassing } from '../client/failures';
import type { Resend } from '../client/retry';

export interface Change {
  readonly isBusy: boolean;
  /** Why there is no answer yet; the change is being sent again. */
  readonly trouble: unknown;
  /** Why there is none, and the change is not sent again. */
  readonly error: unknown;
  /** Whether a person stopped it: then the change may have happened, or not. */
  readonly isStopped: boolean;
  /** @returns the answer; undefined where there is none. Never throws. */
  readonly run: <Answer>(send: (resend: Resend) => Promise<Answer>) => Promise<Answer | undefined>;
  readonly stop: () => void;
  /** Forgets how the last one ended. */
  readonly forget: () => void;
}

const IDLE = { isBusy: false, trouble: undefined, error: undefined, isStopped: false };

export function useChange(): Change {
  const [state, setState] = useState<Omit<Change, 'run' | 'stop' | 'forget'>>(IDLE);
  const sending = useRef<AbortController>(undefined);
  useEffect(() => () => sending.current?.abort(), []);

  const run: Change['run'] = async (send) => {
    const stopping = new AbortController();
    sending.current = stopping;
    const { signal } = stopping;
    setState({ ...IDLE, isBusy: true });
    const tell = (trouble: unknown): void => {
      setState((before) => ({ ...before, trouble }));
    };
    try {
      const answer = await send({ tell, signal });
      setState(IDLE);
      return answer;
    } catch (error) {
      const isStopped = signal.aborted && isPassing(error);
      setState(isStopped ? { ...IDLE, isStopped } : { ...IDLE, error });
      return undefined;
    }
  };
  return {
    ...state,
    run,
    stop: useCallback(() => sending.current?.abort(), []),
    forget: useCallback(() => {
      setState(IDLE);
    }, []),
  };
}
