/** A link to a life, by its id. */
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useAddresses } from './addresses';

/** @param props.whole all of it where there is room; otherwise its end, which tells lives of one time apart */
export function LifeId({ id, whole = false }: { id: string; whole?: boolean }): ReactNode {
  const end = id.slice(-12);
  return (
    <Link href={useAddresses().one(id)} className="id" title={id}>
      {whole && <span className="wide">{id.slice(0, -12)}</span>}
      {end}
    </Link>
  );
}
