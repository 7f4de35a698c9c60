/** The page: a session, and where a token is needed, the question for one. */
import { ApolloProvider } from '@apollo/client/react';
import { type ReactNode, StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { keep, kept } from './parts/keeping';
import { TokenForm } from './parts/TokenForm';
import { restoreTheme } from './parts/ThemeToggle';
import { type Session, SessionContext, openSession } from './session';

/** For as long as the tab is open, and for no other tab. */
const TOKEN = 'token';

function Page(): ReactNode {
  const [token, setToken] = useState(() => kept('sessionStorage', TOKEN));
  const [isRefused, setRefused] = useState(false);
  const [session, setSession] = useState<Session>();

  useEffect(() => {
    if (isRefused) return;
    const opened = openSession(token, () => {
      setRefused(true);
    });
    setSession(opened);
    return () => {
      opened.close();
      setSession(undefined);
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
    session && (
      <SessionContext value={session}>
        <ApolloProvider client={session.client}>
          <App
            onLeave={
              token === null
                ? undefined
                : () => {
                    use(null);
                  }
            }
          />
        </ApolloProvider>
      </SessionContext>
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
