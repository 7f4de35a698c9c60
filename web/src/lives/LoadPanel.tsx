/** Makes a few hundred lives live and die, so that there is something to see. */
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { sentenceOf } from '../client/failures';
import { useSession } from '../session';
import { live } from './load';

const COUNT = 300;

export function LoadPanel(): ReactNode {
  const { client } = useSession();
  const [ended, setEnded] = useState(0);
  const [state, setState] = useState<'idle' | 'running' | 'stopped' | 'done'>('idle');
  const [failure, setFailure] = useState<unknown>();
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
        client,
        COUNT,
        () => {
          setEnded((count) => count + 1);
        },
        stopping.signal,
      );
    } catch (error) {
      stopping.abort();
      setFailure(error);
    }
    // Those that are shown nowhere are forgotten.
    client.cache.gc();
    setState(stopping.signal.aborted ? 'stopped' : 'done');
  };

  const isRunning = state === 'running';
  return (
    <section className="card load" aria-labelledby="load-title">
      <div>
        <h2 id="load-title">Make it move</h2>
        <p>{COUNT} lives are conceived, born, and die, twenty at a time.</p>
      </div>
      <button
        onClick={() => {
          if (isRunning) running.current?.abort();
          else void start();
        }}
      >
        {isRunning ? 'Stop' : 'Start'}
      </button>
      {state !== 'idle' && (
        <>
          <progress value={ended} max={COUNT} aria-label="Lives that have ended" />
          <p className="told">
            {ended} of {COUNT}
          </p>
        </>
      )}
      <p className="told" role="status">
        {state === 'done' && 'All have lived.'}
        {state === 'stopped' && (failure === undefined ? 'Stopped.' : sentenceOf(failure))}
      </p>
    </section>
  );
}
