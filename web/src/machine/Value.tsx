/** A value as people read it, by its type in the API. */
import type { ReactNode } from 'react';
import { Moment } from '../parts/Moment';

/** @param props.value as JSON has it */
export function Value({ type, value }: { type: string; value: unknown }): ReactNode {
  if (value === null || value === undefined) {
    return (
      <span className="none">
        <span aria-hidden="true">–</span>
        <span className="unseen">none</span>
      </span>
    );
  }
  if (type.startsWith('DateTime') && typeof value === 'string') return <Moment at={value} />;
  if (typeof value === 'number') return value.toLocaleString();
  if (typeof value === 'boolean') return value ? 'Yes' : 'No';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
