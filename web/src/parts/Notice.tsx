/** Something that went wrong, among what is shown or over it. */
import type { ReactNode } from 'react';

interface Props {
  /** Takes it away; left out: it goes with its reason. */
  readonly onClose?: (() => void) | undefined;
  readonly children: ReactNode;
}

export function Notice({ onClose, children }: Props): ReactNode {
  return (
    <div className="notice" role="alert">
      {children}
      {onClose && <button type="button" className="close" aria-label="Close" onClick={onClose} />}
    </div>
  );
}
