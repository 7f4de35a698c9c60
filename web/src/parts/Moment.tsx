/** A moment, in the reader's own time zone and manner. */
import type { ReactNode } from 'react';

const DATE = { year: 'numeric', month: 'short', day: 'numeric' } as const;
const TIME = { hour: 'numeric', minute: '2-digit', second: '2-digit' } as const;
const MILLISECONDS = { fractionalSecondDigits: 3 } as const;

const FORMATS = {
  /** To the millisecond, as the server keeps it. */
  exact: new Intl.DateTimeFormat(undefined, { ...DATE, ...TIME, ...MILLISECONDS }),
  /** For lists, to the second. */
  second: new Intl.DateTimeFormat(undefined, { ...DATE, ...TIME }),
  /** The time of the day alone. */
  time: new Intl.DateTimeFormat(undefined, TIME),
} as const;

const WITH_ZONE = new Intl.DateTimeFormat(undefined, {
  ...DATE,
  ...TIME,
  ...MILLISECONDS,
  timeZoneName: 'short',
});

interface Props {
  readonly at: string;
  readonly to?: keyof typeof FORMATS;
}

/** All of it is shown on pointing at it. */
export function Moment({ at, to = 'exact' }: Props): ReactNode {
  const date = new Date(at);
  return (
    <time dateTime={at} title={WITH_ZONE.format(date)}>
      {FORMATS[to].format(date)}
    </time>
  );
}
