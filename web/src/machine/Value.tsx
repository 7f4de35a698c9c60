/** A value as people read it, by its type in the API. */
import type { ReactNode } from 'react';
import { Moment } from '../parts/Moment';

/** @param props.value as JSON has it, and not null */
export function Value({ type, value }: { type: string; value: unknown }): ReactNode {
  if (type.startsWith('DateTime') && typeof value === 'string') return <Moment at={value} />;
  if (typeof value === 'number') return value.toLocaleString();
  if (typeof value === 'boolean') return value ? 'Yes' : 'No';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
