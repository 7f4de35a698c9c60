/** The partitions of ids, computed independently of the code under test, and the ledger's rows. */
import { hash } from 'node:crypto';
import type { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import { PARTITIONS } from './topology';

/**
 * @param id an SQL expression
 * @returns an SQL expression for a database with any number of partitions
 */
export function partitionOf(id: string): string {
  return `('x' || left(md5(${id}::text), 7))::bit(28)::integer % (SELECT count(*)::integer FROM ledger)`;
}

/** Makes ids in one partition, so that changes at the same time go in one group. */
export function idsTogether(number: number): string[] {
  const ids: string[] = [];
  while (ids.length < number) {
    const id = uuidv7();
    if (parseInt(hash('md5', id).slice(0, 7), 16) % PARTITIONS === 0) ids.push(id);
  }
  return ids;
}

/** Locks all rows of the ledger, so that no change commits. One by one, as a cluster takes it. */
export async function lockLedger(session: Pick<Client, 'query'>): Promise<void> {
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    await session.query('SELECT FROM ledger WHERE partition = $1 FOR UPDATE', [partition]);
  }
}
