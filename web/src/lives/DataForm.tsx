/**
 * Asks for what an event must be told, in a dialog: its data, and nothing that is written down here. Does not know
 * what is done with them.
 */
import { type SubmitEvent, type ReactNode, useEffect, useId, useLayoutEffect, useRef } from 'react';
import { problemsIn } from '../client/failures';
import type { Data } from '../machine/answers';
import type { MachineEvent, MachineField } from '../machine/machine';
import { capitalized, labelOf, nameOf } from '../machine/names';
import { inputOf, valueOf } from '../machine/values';
import { Failure } from '../parts/Failure';

interface Props {
  readonly event: MachineEvent;
  readonly isBusy: boolean;
  /** Why the last attempt failed, if it did; what is wrong with a datum is told beside it. */
  readonly error: unknown;
  readonly onData: (data: Data) => void;
  /** Is called when the dialog was closed, by whatever means. */
  readonly onClose: () => void;
  /** What else there is to say of the last attempt. */
  readonly children?: ReactNode;
}

export function DataForm({ event, isBusy, error, onData, onClose, children }: Props): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  const problems = problemsIn(error);
  const places = Object.keys(problems);
  const isAllTold =
    places.length > 0 && places.every((path) => event.data.some(({ name }) => name === path));
  // Closed before it is gone: only then does the focus go back to where it came from.
  useLayoutEffect(() => {
    const opened = dialog.current;
    opened?.showModal();
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
      onClose={({ currentTarget }) => {
        if (!currentTarget.open) onClose();
      }}
    >
      <form onSubmit={submit}>
        <h2 id={title}>{nameOf(event.event)}</h2>
        {event.data.map((field) => (
          <Datum key={field.name} field={field} problem={problems[field.name]} />
        ))}
        {error !== undefined && !isAllTold && <Failure error={error} />}
        {children}
        <div className="buttons">
          <button className="primary" aria-busy={isBusy}>
            {nameOf(event.event)}
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </div>
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
        aria-describedby={`${id}-problem ${id}-description`}
        aria-invalid={problem !== undefined}
      />
      {problem !== undefined && (
        <p id={`${id}-problem`} className="problem">
          {capitalized(problem)}
        </p>
      )}
      <p id={`${id}-description`} className="told">
        {field.description}
      </p>
    </div>
  );
}

function dataIn(form: FormData, fields: readonly MachineField[]): Data {
  return Object.fromEntries(fields.map(({ name, type }) => [name, valueOf(type, form.get(name))]));
}
