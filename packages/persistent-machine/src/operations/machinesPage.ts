/** Pages of all machines of a kind, by age, with the total. */
import type { MachineRecord } from '../machine';
import { recordOf } from './columns';
import { type Keyset, pageQuery } from './keyset';
import { type Operation, oneByOne } from './Operation';
import { type Page, type PageRequest, type PageRow, pageOf } from './page';
import { type MachineTables, columnOf } from './tables';

export type Order = 'oldestFirst' | 'newestFirst';

export interface MachinesQuestion {
  /** Only machines in one of these states; null for all. */
  readonly states: readonly string[] | null;
  readonly order: Order;
  readonly request: PageRequest;
}

/** @returns an operation that answers with a page and the number of machines in those states, from one snapshot */
export function machinesPage(
  tables: MachineTables,
): Operation<MachinesQuestion, Page<MachineRecord> & { readonly total: number }, PageRow> {
  const { names, records, ledger, columns, isDistributed } = tables;
  const createdAt = columnOf(tables, 'createdAt');
  const id = columnOf(tables, 'id');
  const stateType = columnOf(tables, 'stateType');
  const counts = isDistributed ? '(SELECT DISTINCT partition, counts FROM part) AS ledger' : ledger;
  const keysetOf = ({ states, order }: MachinesQuestion): Keyset => ({
    name: `${names.records}/${order}${states ? '/in' : ''}`,
    table: records,
    columns,
    key: [createdAt, id],
    descending: order === 'newestFirst',
    filter: states ? { column: stateType, values: [...new Set(states)] } : undefined,
    total: `(
    SELECT coalesce(sum(value::bigint), 0) FROM ${counts}, jsonb_each_text(counts)
    WHERE filter.list IS NULL OR key = ANY (filter.list))`,
    ...(isDistributed ? { parts: ledger } : {}),
  });
  return {
    lane: oneByOne({
      name: 'machines',
      inFlight: 2,
      keyOf: (question) => JSON.stringify(question),
    }),
    query: ([question]) => pageQuery(keysetOf(question), question.request),
    answers: (rows, [{ request }]) => [
      {
        ...pageOf(rows, request, id.property, (row) => recordOf(tables, row)),
        total: Number(rows[0]?.['#total']),
      },
    ],
  };
}
