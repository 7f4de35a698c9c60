/** What all views have: a title, which is the document's, and to which the focus goes on arriving. */
import { type ReactNode, useEffect, useRef } from 'react';

interface Props {
  readonly title: string;
  /** Above the title: the way back. */
  readonly back?: ReactNode;
  /** Beside the title. */
  readonly aside?: ReactNode;
  /** For what is read line by line; left out: as wide as the page. */
  readonly isNarrow?: boolean;
  readonly children: ReactNode;
}

/** After a link the focus would stay on what is no longer there; on the first view it is the browser's. */
let isFirst = true;

export function View({ title, back, aside, isNarrow = false, children }: Props): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Persistent State Machine`;
  }, [title]);
  useEffect(() => {
    if (!isFirst) heading.current?.focus();
    isFirst = false;
  }, []);
  return (
    <main id="main" className={isNarrow ? 'narrow' : undefined}>
      {back}
      <div className="title">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {aside}
      </div>
      {children}
    </main>
  );
}
