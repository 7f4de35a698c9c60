/** Begins a life, and says which; asks first for what its beginning must be told, if anything. */
import { type ReactNode, useState } from 'react';
import { sentenceOf } from '../client/failures';
import type { Data } from '../machine/answers';
import { useMachine } from '../machine/machine';
import { capitalized, nameOf, wordsOf } from '../machine/names';
import { useSession } from '../session';
import { DataForm } from './DataForm';
import { LifeId } from './LifeId';
import { begin } from './changes';

export function BeginButton(): ReactNode {
  const session = useSession();
  const { beginning } = useMachine();
  const [isBusy, setBusy] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const [error, setError] = useState<unknown>();
  const [begun, setBegun] = useState<string>();
  const request = async (data: Data): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      setBegun((await begin(session, data)).id);
      setAsking(false);
    } catch (caught) {
      setError(caught);
    }
    setBusy(false);
  };
  const choose = (): void => {
    if (isBusy) return;
    if (beginning.data.length > 0) setAsking(true);
    else void request({});
  };
  return (
    <div className="begin">
      <span role="status">
        {error !== undefined && !isAsking && sentenceOf(error)}
        {error === undefined && begun !== undefined && (
          <>
            {nameOf(beginning.event)} of <LifeId id={begun} />
          </>
        )}
      </span>
      {/* Not disabled while it is busy: a button that is loses the focus. */}
      <button
        className="primary"
        aria-busy={isBusy}
        aria-haspopup={beginning.data.length > 0 ? 'dialog' : undefined}
        onClick={choose}
      >
        {capitalized(wordsOf(beginning.mutation))}
      </button>
      {isAsking && (
        <DataForm
          event={beginning}
          isBusy={isBusy}
          error={error}
          onData={(data) => void request(data)}
          onClose={() => {
            setAsking(false);
            setError(undefined);
          }}
        />
      )}
    </div>
  );
}
