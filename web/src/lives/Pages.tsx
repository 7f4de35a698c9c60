/** How many lives there are on all pages, and the ways to the pages beside this one. */
import type { ComponentProps, ReactNode } from 'react';
import { Link } from 'wouter';
import type { Page } from '../machine/answers';
import { useMachine } from '../machine/machine';
import { type Choice, useAddresses } from './addresses';

export function Pages({ choice, page }: { choice: Choice; page: Page }): ReactNode {
  const { words } = useMachine();
  const addresses = useAddresses();
  const { totalCount, pageInfo } = page;
  const { hasPreviousPage, hasNextPage, startCursor, endCursor } = pageInfo;
  const beside = (after: string | null, before: string | null): string =>
    addresses.list({ ...choice, after, before });
  return (
    <nav aria-label="Pages" className="pages">
      <p role="status">
        {totalCount.toLocaleString()} {totalCount === 1 ? words.one : words.many}
      </p>
      <PageLink href={beside(null, null)} isThere={hasPreviousPage}>
        First
      </PageLink>
      <PageLink href={beside(null, startCursor)} isThere={hasPreviousPage}>
        Previous
      </PageLink>
      <PageLink href={beside(endCursor, null)} isThere={hasNextPage}>
        Next
      </PageLink>
    </nav>
  );
}

/** Stays where it is when there is no such page, so that the others do not move, and the focus is not lost. */
function PageLink({
  href,
  isThere,
  children,
}: {
  href: string;
  isThere: boolean;
  children: string;
}): ReactNode {
  return (
    <Link href={href} asChild>
      <Anchor isThere={isThere}>{children}</Anchor>
    </Link>
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
