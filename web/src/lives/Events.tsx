/**
 * What can happen to a life: a button for each event. An event that carries data asks for them first, and one after
 * which nothing follows asks whether it is meant.
 */
import { type ReactNode, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { type Data, type Facts, type Refusal, isRefusal } from '../machine/answers';
import { type MachineEvent, endBy, useMachine } from '../machine/machine';
import { nameOf } from '../machine/names';
import { PhaseName } from '../machine/PhaseName';
import { useSession } from '../session';
import { ChangeNotice } from './ChangeNotice';
import { DataForm } from './DataForm';
import { RefusalNotice } from './RefusalNotice';
import { transition } from './changes';
import { useChange } from './useChange';

interface Request {
  readonly event: MachineEvent;
  readonly data: Data;
}

/** An event, and the final state that it led to when it was chosen: the life may go on meanwhile. */
interface Asking {
  readonly event: MachineEvent;
  readonly end: string | undefined;
}

export function Events({ life: { id, phase, nextEvents } }: { life: Facts }): ReactNode {
  const session = useSession();
  const machine = useMachine();
  const change = useChange();
  const group = useRef<HTMLDivElement>(null);
  const [asking, setAsking] = useState<Asking | null>(null);
  const [last, setLast] = useState<Request | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [told, setTold] = useState('');

  const endOf = ({ event }: MachineEvent): string | undefined => endBy(machine, phase, event);

  const choose = (event: MachineEvent): void => {
    if (change.isBusy) return;
    setRefusal(null);
    change.forget();
    const end = endOf(event);
    if (event.data.length > 0 || end !== undefined) setAsking({ event, end });
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

  const request = async (asked: Request): Promise<void> => {
    setLast(asked);
    setRefusal(null);
    setTold('');
    const { event, data } = asked;
    const outcome = await change.run((resend) =>
      transition(session, id, event.event, data, resend),
    );
    if (outcome === undefined) return;
    if (isRefusal(outcome)) {
      setRefusal(outcome);
      // What was entered may be mended; where nothing was, there is nothing to mend.
      if (event.data.length === 0) leaveDialog();
    } else {
      setTold(`${nameOf(event.event)} is recorded: version ${outcome.version}.`);
      leaveDialog();
    }
  };

  const close = (): void => {
    setAsking(null);
    change.stop();
    // What was wrong with what was entered has gone with it.
    if (!change.isBusy) change.forget();
    setRefusal(null);
  };

  const possible = nextEvents.flatMap(
    (next) => machine.events.find(({ event }) => event === next) ?? [],
  );
  const closeNotice = (): void => {
    change.forget();
    setRefusal(null);
    group.current?.focus();
  };
  const onClose = asking ? undefined : closeNotice;
  const notice = refusal ? (
    <RefusalNotice refusal={refusal} onClose={onClose} />
  ) : (
    <ChangeNotice
      change={change}
      // Its own button is gone where it happened nevertheless.
      again={last && !asking ? () => void request(last) : undefined}
      onClose={onClose}
    />
  );
  return (
    <div className="events">
      <div ref={group} role="group" aria-label="What can happen" tabIndex={-1} className="buttons">
        {possible.map((event) => (
          <button
            key={event.event}
            className={endOf(event) === undefined ? 'primary' : 'last'}
            aria-busy={change.isBusy && last?.event === event}
            aria-haspopup={
              event.data.length > 0 || endOf(event) !== undefined ? 'dialog' : undefined
            }
            onClick={() => {
              choose(event);
            }}
          >
            {nameOf(event.event)}
          </button>
        ))}
        {nextEvents.length === 0 && <p>Nothing follows {nameOf(phase)}.</p>}
      </div>
      <p role="status" className="told">
        {told}
      </p>
      {asking ? (
        <DataForm
          event={asking.event}
          warning={
            asking.end && (
              <>
                It will be <PhaseName phase={asking.end} /> then. Nothing can happen to it after
                that, and it cannot be undone.
              </>
            )
          }
          isBusy={change.isBusy}
          error={change.error}
          onData={(data) => void request({ event: asking.event, data })}
          onClose={close}
        >
          {notice}
        </DataForm>
      ) : (
        <div className="outcome">{notice}</div>
      )}
    </div>
  );
}
