/**
 * Asks a person before an event happens, in a dialog: for the event's data, and whether it may be the last one. Does
 * not know what is done with the answer.
 */
import { type SubmitEvent, type ReactNode, useEffect, useId, useLayoutEffect, useRef } from 'react';
import { problemsIn } from '../client/failures';
import type { Data } from '../machine/answers';
import type { MachineEvent, MachineField } from '../machine/machine';
import { capitalized, labelOf, nameOf } from '../machine/names';
import { inputOf, valueOf } from '../machine/values';

interface Props {
  readonly event: MachineEvent;
  /** Why to think twice; left out: there is no reason to. */
  readonly warning?: ReactNode;
  readonly isBusy: boolean;
  /** Why the last attempt failed, if it did: what is wrong with a datum is told beside it. */
  readonly error: unknown;
  readonly onData: (data: Data) => void;
  /** Is called when the dialog was closed, by whatever means. */
  readonly onClose: () => void;
  /** What there is to say of the last attempt. It is not shown where all of that is told beside the data. */
  readonly children?: ReactNode;
}

export function DataForm(props: Props): ReactNode {
  const { event, warning, isBusy, error, onData, onClose, children } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const cancel = useRef<HTMLButtonElement>(null);
  const title = useId();
  const problems = problemsIn(error);
  const places = Object.keys(problems);
  const isAllTold =
    places.length > 0 && places.every((path) => event.data.some(({ name }) => name === path));
  useLayoutEffect(() => {
    const opened = dialog.current;
    opened?.showModal();
    // Where there is nothing to fill in, a key that is pressed once too often must do no harm.
    if (opened?.querySelector('input') === null) cancel.current?.focus();
    // Closed before it is gone: only then does the focus go back to where it came from.
    return () => opened?.close();
  }, []);
  useEffect(() => {
    dialog.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [error]);
  const submit = (submission: SubmitEvent<HTMLFormElement>): void => {
    submission.preventDefault();
    if (!isBusy) onData(dataIn(new FormData(submission.currentTarget), event.data));
  };
  return (
    <dialog
      ref={dialog}
      className="card"
      aria-labelledby={title}
      aria-describedby={warning === undefined ? undefined : `${title}-warning`}
      onClose={({ currentTarget }) => {
        if (!currentTarget.open) onClose();
      }}
    >
      <form onSubmit={submit}>
        <h2 id={title}>{nameOf(event.event)}</h2>
        {event.data.map((field) => (
          <Datum key={field.name} field={field} problem={problems[field.name]} />
        ))}
        {warning !== undefined && <p id={`${title}-warning`}>{warning}</p>}
        <div className="buttons">
          <button className={warning === undefined ? 'primary' : 'primary last'} aria-busy={isBusy}>
            {nameOf(event.event)}
          </button>
          <button ref={cancel} type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </div>
        {/* Below the buttons, which must not move from under a finger. */}
        {!isAllTold && children}
      </form>
    </dialog>
  );
}

function Datum({
  field,
  problem,
}: {
  field: MachineField;
  problem: string | undefined;
}): ReactNode {
  const id = useId();
  return (
    <div className="datum">
      <label htmlFor={id}>{labelOf(field)}</label>
      <input
        {...inputOf(field.type)}
        id={id}
        name={field.name}
        aria-describedby={`${id}-told`}
        aria-invalid={problem !== undefined}
      />
      {/* One line for both, so that nothing moves. */}
      <p id={`${id}-told`} className={problem === undefined ? 'told' : 'told problem'}>
        {problem === undefined ? field.description : capitalized(problem)}
      </p>
    </div>
  );
}

function dataIn(form: FormData, fields: readonly MachineField[]): Data {
  return Object.fromEntries(fields.map(({ name, type }) => [name, valueOf(type, form.get(name))]));
}
