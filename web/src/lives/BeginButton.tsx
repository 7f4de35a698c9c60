/** Begins a life, and says which; asks first for what its beginning must be told, if anything. */
import { type ReactNode, useRef, useState } from 'react';
import type { Data } from '../machine/answers';
import { useMachine } from '../machine/machine';
import { capitalized, nameOf, wordsOf } from '../machine/names';
import { useSession } from '../session';
import { ChangeNotice } from './ChangeNotice';
import { DataForm } from './DataForm';
import { LifeId } from './LifeId';
import { begin } from './changes';
import { useChange } from './useChange';

export function BeginButton(): ReactNode {
  const session = useSession();
  const { beginning } = useMachine();
  const change = useChange();
  const button = useRef<HTMLButtonElement>(null);
  const [isAsking, setAsking] = useState(false);
  const [begun, setBegun] = useState<string>();
  const request = async (data: Data): Promise<void> => {
    const life = await change.run((resend) => begin(session, data, resend));
    if (life === undefined) return;
    setBegun(life.id);
    setAsking(false);
  };
  const choose = (): void => {
    if (change.isBusy) return;
    setBegun(undefined);
    if (beginning.data.length > 0) setAsking(true);
    else void request({});
  };
  return (
    <div className="begin">
      <p role="status">
        {begun !== undefined && (
          <>
            {nameOf(beginning.event)} of <LifeId id={begun} />
          </>
        )}
      </p>
      {/* Not disabled while it is busy: a button that is loses the focus. */}
      <button
        ref={button}
        className="primary"
        aria-busy={change.isBusy}
        aria-haspopup={beginning.data.length > 0 ? 'dialog' : undefined}
        onClick={choose}
      >
        {capitalized(wordsOf(beginning.mutation))}
      </button>
      {!isAsking && (
        <div className="outcome">
          <ChangeNotice
            change={change}
            onClose={() => {
              change.forget();
              button.current?.focus();
            }}
          />
        </div>
      )}
      {isAsking && (
        <DataForm
          event={beginning}
          isBusy={change.isBusy}
          error={change.error}
          onData={(data) => void request(data)}
          onClose={() => {
            setAsking(false);
            change.stop();
            change.forget();
          }}
        >
          <ChangeNotice change={change} />
        </DataForm>
      )}
    </div>
  );
}
