/** Sends a few hundred lives through the machine, so that there is something to see. */
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { sentenceOf } from '../client/failures';
import { useMachine } from '../machine/machine';
import { capitalized } from '../machine/names';
import { useSession } from '../session';
import { live } from './load';

const COUNT = 300;

export function LoadPanel(): ReactNode {
  const session = useSession();
  const machine = useMachine();
  const { many } = machine.words;
  const [ended, setEnded] = useState(0);
  const [state, setState] = useState<'idle' | 'running' | 'stopped' | 'done'>('idle');
  const [failure, setFailure] = useState<unknown>();
  const [trouble, setTrouble] = useState<unknown>();
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  const start = async (): Promise<void> => {
    const stopping = new AbortController();
    running.current = stopping;
    setEnded(0);
    setFailure(undefined);
    setState('running');
    try {
      await live(
        session,
        machine,
        COUNT,
        () => {
          setEnded((count) => count + 1);
        },
        { tell: setTrouble, signal: stopping.signal },
      );
    } catch (error) {
      // What failed because it was stopped has no cause to tell.
      if (!stopping.signal.aborted) setFailure(error);
      stopping.abort();
    }
    setTrouble(undefined);
    // The cache forgets what no view shows.
    session.cache.gc();
    setState(stopping.signal.aborted ? 'stopped' : 'done');
  };

  const isRunning = state === 'running';
  return (
    <section className="card load" aria-labelledby="load-title">
      <div>
        <h2 id="load-title">Make it move</h2>
        <p>
          {COUNT} {many} go their way through the machine, twenty at a time.
        </p>
      </div>
      <button
        onClick={() => {
          if (isRunning) running.current?.abort();
          else void start();
        }}
      >
        {isRunning ? 'Stop' : 'Start'}
      </button>
      {/* There from the beginning, so that nothing moves when it starts. */}
      <progress
        value={ended}
        max={COUNT}
        aria-label={`${capitalized(many)} that have gone their way`}
      />
      <p className="told">
        {ended} of {COUNT}
      </p>
      <p className="told" role="status">
        {trouble !== undefined &&
          `${sentenceOf(trouble)} The page goes on once the server answers.`}
        {state === 'done' && 'All have gone their way.'}
        {state === 'stopped' && (failure === undefined ? 'Stopped.' : sentenceOf(failure))}
      </p>
    </section>
  );
}
