/** An id, whole, with a button that copies it. */
import { type ReactNode, useRef, useState } from 'react';

const LABELS = { idle: 'Copy', copied: 'Copied', selected: 'Selected' } as const;

export function CopyableId({ id }: { id: string }): ReactNode {
  const text = useRef<HTMLElement>(null);
  const [state, setState] = useState<keyof typeof LABELS>('idle');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(id);
      setState('copied');
    } catch {
      // Without HTTPS a page has no clipboard: the id is selected, and the browser's own command copies it.
      if (text.current) getSelection()?.selectAllChildren(text.current);
      setState('selected');
    }
  };
  return (
    <p className="copyable">
      <code ref={text} className="id">
        {id}
      </code>
      <button
        onClick={() => void copy()}
        onBlur={() => {
          setState('idle');
        }}
        aria-label={state === 'idle' ? 'Copy the id' : LABELS[state]}
      >
        {LABELS[state]}
      </button>
      <span role="status" className="unseen">
        {state !== 'idle' && LABELS[state]}
      </span>
    </p>
  );
}
