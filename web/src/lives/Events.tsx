/** What can happen to a life: a button for each event, which asks for data first where the event carries any. */
import { type ReactNode, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { hasCode } from '../client/failures';
import { type Data, type Facts, type Refusal, isRefusal } from '../machine/answers';
import { type MachineEvent, useMachine } from '../machine/machine';
import { nameOf } from '../machine/names';
import { Failure } from '../parts/Failure';
import { useSession } from '../session';
import { DataForm } from './DataForm';
import { RefusalNotice } from './RefusalNotice';
import { transition } from './changes';

interface Request {
  readonly event: MachineEvent;
  readonly data: Data;
}

export function Events({ life: { id, phase, nextEvents } }: { life: Facts }): ReactNode {
  const session = useSession();
  const { events } = useMachine();
  const group = useRef<HTMLDivElement>(null);
  const [asking, setAsking] = useState<MachineEvent | null>(null);
  const [busy, setBusy] = useState<MachineEvent | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [failure, setFailure] = useState<Request & { readonly error: unknown }>();
  const [told, setTold] = useState('');

  const choose = (event: MachineEvent): void => {
    if (busy !== null) return;
    setRefusal(null);
    setFailure(undefined);
    if (event.data.length > 0) setAsking(event);
    else {
      // The button that was pressed may be gone with what it could do; the focus goes to what remains.
      group.current?.focus();
      void request({ event, data: {} });
    }
  };

  const leaveDialog = (): void => {
    // What a dialog covers cannot have the focus before the dialog is gone.
    flushSync(() => {
      setAsking(null);
    });
    group.current?.focus();
  };

  const request = async ({ event, data }: Request): Promise<void> => {
    setBusy(event);
    setRefusal(null);
    setFailure(undefined);
    try {
      const outcome = await transition(session, id, event.event, data);
      if (isRefusal(outcome)) setRefusal(outcome);
      else {
        setTold(`${nameOf(event.event)} is recorded: version ${outcome.version}.`);
        if (event.data.length > 0) leaveDialog();
      }
    } catch (error) {
      setFailure({ event, data, error });
    }
    setBusy(null);
  };

  const close = (): void => {
    setAsking(null);
    // What was wrong with what was entered has gone with it.
    if (hasCode(failure?.error, 'BAD_USER_INPUT')) setFailure(undefined);
  };

  const possible = nextEvents.flatMap((next) => events.find(({ event }) => event === next) ?? []);
  const notice = refusal && <RefusalNotice refusal={refusal} />;
  return (
    <div className="events">
      <div ref={group} role="group" aria-label="What can happen" tabIndex={-1} className="buttons">
        {possible.map((event) => (
          <button
            key={event.event}
            className="primary"
            aria-busy={busy === event}
            aria-haspopup={event.data.length > 0 ? 'dialog' : undefined}
            onClick={() => {
              choose(event);
            }}
          >
            {nameOf(event.event)}
          </button>
        ))}
        {nextEvents.length === 0 && (
          <p>Nothing can happen to it any more: it is {nameOf(phase)}.</p>
        )}
      </div>
      <p role="status" className="told">
        {told}
      </p>
      {asking ? (
        <DataForm
          event={asking}
          isBusy={busy !== null}
          error={failure?.error}
          onData={(data) => void request({ event: asking, data })}
          onClose={close}
        >
          {notice}
        </DataForm>
      ) : (
        <>
          {notice}
          {/* Its own button is gone where it happened nevertheless. */}
          {failure && <Failure error={failure.error} again={() => void request(failure)} />}
        </>
      )}
    </div>
  );
}
