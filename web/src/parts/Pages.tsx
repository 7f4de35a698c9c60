/** The ways to the pages beside this one. Does not know what is paged. */
import type { ComponentProps, ReactNode } from 'react';
import { Link } from 'wouter';

/** What a page is called, where it is, and whether there is one. */
type PageOf = readonly [name: string, href: string, isThere: boolean];

export function Pages({ pages }: { pages: readonly PageOf[] }): ReactNode {
  return (
    <nav aria-label="Pages" className="pages">
      {/* Each stays where it is when there is no such page: the others do not move, and the focus is not lost. */}
      {pages.map(([name, href, isThere]) => (
        <Link key={name} href={href} asChild>
          <Anchor isThere={isThere}>{name}</Anchor>
        </Link>
      ))}
    </nav>
  );
}

/** The same element whether or not it leads anywhere. `Link` gives it where to, and how to go there. */
function Anchor({
  isThere,
  children,
  ...leading
}: { isThere: boolean; children: string } & ComponentProps<'a'>): ReactNode {
  return (
    <a
      className="button"
      {...(isThere ? leading : { role: 'link', 'aria-disabled': true, tabIndex: -1 })}
    >
      {children}
    </a>
  );
}
