/** The page: a line to the server, and where a token is needed, the question for one. */
import { type ReactNode, StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { keep, kept } from './parts/keeping';
import { TokenForm } from './parts/TokenForm';
import { restoreTheme } from './parts/ThemeChoice';
import { type Line, openLine } from './session';

/** For as long as the tab is open, and for no other tab. */
const TOKEN = 'token';

function Page(): ReactNode {
  const [token, setToken] = useState(() => kept('sessionStorage', TOKEN));
  const [isRefused, setRefused] = useState(false);
  const [line, setLine] = useState<Line>();

  useEffect(() => {
    if (isRefused) return;
    const opened = openLine(token, () => {
      setRefused(true);
    });
    setLine(opened);
    return () => {
      opened.close();
      setLine(undefined);
    };
  }, [token, isRefused]);

  const use = (given: string | null): void => {
    keep('sessionStorage', TOKEN, given);
    setToken(given);
    setRefused(given === null);
  };

  if (isRefused) {
    return <TokenForm wasRefused={token !== null} onToken={use} />;
  }
  return (
    line && (
      <App
        line={line}
        onLeave={
          token === null
            ? undefined
            : () => {
                use(null);
              }
        }
      />
    )
  );
}

restoreTheme();
const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no root.');
createRoot(root).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
