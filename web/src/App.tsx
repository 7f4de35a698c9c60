/** The frame around all views, and which address shows which. */
import type { ReactNode } from 'react';
import { Link, Route, Switch, useRoute } from 'wouter';
import { ConnectionState } from './feed/ConnectionState';
import { HomeView } from './lives/HomeView';
import { LifeView } from './lives/LifeView';
import { LivesView } from './lives/LivesView';
import { ThemeToggle } from './parts/ThemeToggle';
import { View } from './parts/View';
import icon from './icon.svg';

/** @param props.onLeave how to give another token, where one is in use */
export function App({ onLeave }: { onLeave: (() => void) | undefined }): ReactNode {
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header>
        <Link href="/" className="brand">
          <img src={icon} alt="" width="28" height="28" />
          <span>Persistent State Machine</span>
        </Link>
        <nav aria-label="Views">
          <NavigationLink href="/">Overview</NavigationLink>
          <NavigationLink href="/lives">Lives</NavigationLink>
          <a href="/graphql">API</a>
        </nav>
        <ConnectionState />
        {onLeave && <button onClick={onLeave}>Other token</button>}
        <ThemeToggle />
      </header>
      {/* As they are listed in src/server/dashboard.ts, too. */}
      <Switch>
        <Route path="/">
          <HomeView />
        </Route>
        <Route path="/lives">
          <LivesView />
        </Route>
        <Route path="/lives/:id">{({ id }) => <LifeView key={id} id={id} />}</Route>
        <Route>
          <View title="Nothing here">
            <p className="empty">
              This page does not exist. <Link href="/">Go to the overview.</Link>
            </p>
          </View>
        </Route>
      </Switch>
    </>
  );
}

function NavigationLink({ href, children }: { href: string; children: string }): ReactNode {
  const [isHere] = useRoute(href);
  return (
    <Link href={href} aria-current={isHere ? 'page' : undefined}>
      {children}
    </Link>
  );
}
