/** A moment, in the reader's own time zone and manner. */
import type { ReactNode } from 'react';

const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** @param props.short the time alone, with the rest on pointing at it */
export function Moment({ at, short = false }: { at: string; short?: boolean }): ReactNode {
  const date = new Date(at);
  return (
    <time dateTime={at} title={FULL.format(date)}>
      {(short ? TIME : FULL).format(date)}
    </time>
  );
}
