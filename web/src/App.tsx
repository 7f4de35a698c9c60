/** The frame around all views, and which address shows which; and what is there until the machine is known. */
import { ApolloProvider } from '@apollo/client/react';
import { type ReactNode, useEffect, useState } from 'react';
import { Link, Route, Switch, useLocation, useRoute } from 'wouter';
import { ConnectionState } from './feed/ConnectionState';
import { FeedView } from './feed/FeedView';
import icon from './icon.svg';
import { FindForm } from './lives/FindForm';
import { HomeView } from './lives/HomeView';
import { LifeView } from './lives/LifeView';
import { LivesView } from './lives/LivesView';
import { FEED, useAddresses } from './lives/addresses';
import { MachineGate } from './machine/MachineGate';
import { type Machine, MachineContext, useMachine } from './machine/machine';
import { capitalized } from './machine/names';
import { ThemeChoice } from './parts/ThemeChoice';
import { View } from './parts/View';
import { type Line, type Session, SessionContext, openSession } from './session';

interface Props {
  readonly line: Line;
  /** How to give another token, where one is in use. */
  readonly onLeave: (() => void) | undefined;
}

export function App({ line, onLeave }: Props): ReactNode {
  const [machine, setMachine] = useState<Machine>();
  const session = useOpened(line, machine);
  return (
    <MachineContext value={machine}>
      <SessionContext value={session}>
        <a className="skip" href="#main">
          Skip to the content
        </a>
        <header>
          <Link href="/" className="brand">
            <img src={icon} alt="" width="28" height="28" />
            <span>Persistent State Machine</span>
          </Link>
          <nav aria-label="Views">{session && <Navigation />}</nav>
          {session && <ConnectionState />}
          {onLeave && (
            <button className="token" title="Other token" onClick={onLeave}>
              <svg viewBox="0 0 20 20" aria-hidden="true">
                <g fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round">
                  <circle cx="6.5" cy="10" r="3.5" />
                  <path d="M10 10 H17 M14 10 v3 M17 10 v2.5" />
                </g>
              </svg>
              <span>Other token</span>
            </button>
          )}
          <ThemeChoice />
        </header>
        {session ? (
          <ApolloProvider client={session.client}>
            <Views />
          </ApolloProvider>
        ) : (
          <MachineGate client={line.asker} onMachine={setMachine} />
        )}
      </SessionContext>
    </MachineContext>
  );
}

/** @returns the session of a machine, as long as it is shown */
function useOpened(line: Line, machine: Machine | undefined): Session | undefined {
  const [session, setSession] = useState<Session>();
  useEffect(() => {
    if (machine === undefined) return;
    let isClosed = false;
    const opened = openSession(line, machine);
    void opened.ready.then(() => {
      if (!isClosed) setSession(opened);
    });
    return () => {
      isClosed = true;
      opened.close();
      setSession(undefined);
    };
  }, [line, machine]);
  return session;
}

function Navigation(): ReactNode {
  const { words } = useMachine();
  return (
    <>
      <NavigationLink href="/">Overview</NavigationLink>
      <NavigationLink href={useAddresses().list()}>{capitalized(words.many)}</NavigationLink>
      <NavigationLink href={FEED}>Feed</NavigationLink>
      <a href="/graphql">API</a>
    </>
  );
}

function NavigationLink({ href, children }: { href: string; children: string }): ReactNode {
  const [isHere] = useRoute(href);
  const [isBelow] = useRoute(`${href}/:id`);
  return (
    <Link href={href} aria-current={isHere ? 'page' : isBelow && href !== '/' ? 'true' : undefined}>
      {children}
    </Link>
  );
}

/** At the addresses that the application's server has a page for, too. */
function Views(): ReactNode {
  const { many } = useMachine();
  return (
    <Switch>
      <Route path="/">
        <HomeView />
      </Route>
      <Route path={`/${many}`}>
        <LivesView />
      </Route>
      <Route path={`/${many}/:id`}>{({ id }) => <LifeView key={id} id={id} />}</Route>
      <Route path={FEED}>
        <FeedView />
      </Route>
      <Route>
        <UnknownView />
      </Route>
    </Switch>
  );
}

function UnknownView(): ReactNode {
  const { words } = useMachine();
  const addresses = useAddresses();
  const [path] = useLocation();
  return (
    <View title="Nothing is here" isNarrow>
      <section className="card stack" aria-label="Where to go from here">
        <p>
          The dashboard has no page at <code>{path}</code>.
        </p>
        <p className="buttons">
          <Link href="/" className="button">
            Go to the overview
          </Link>
          <Link href={addresses.list()} className="button">
            Look at all {words.many}
          </Link>
        </p>
        <FindForm />
      </section>
    </View>
  );
}
