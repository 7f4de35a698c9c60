/** Pages of the transitions of single machines, oldest first. One statement reads the same page for many machines. */
import { pageQuery } from './keyset';
import { GROUP_SIZE, type Operation } from './Operation';
import { type Page, type PageRequest, type PageRow, pageOf } from './page';
import { wantedMachines } from './partition';
import { type MachineTables, columnOf } from './tables';
import { type TransitionRow, transitionColumns, transitionOf } from './transition';

export interface HistoryQuestion {
  readonly id: string;
  readonly request: PageRequest;
}

export function historyPage(
  tables: MachineTables,
): Operation<HistoryQuestion, Page<TransitionRow>, PageRow> {
  const { names, history, owner } = tables;
  const wanted = wantedMachines(tables);
  const keyset = {
    name: `${names.history}/history`,
    table: history,
    columns: transitionColumns(tables),
    key: [columnOf(tables, 'version')],
    descending: false,
  };
  return {
    lane: {
      name: 'history',
      groupSize: GROUP_SIZE,
      inFlight: 2,
      keyOf: ({ id, request }) => `${id} ${JSON.stringify(request)}`,
      // A GraphQL field asks for the same page of each machine in a list.
      formOf: ({ request }) => JSON.stringify(request),
      ...wanted.lane(({ id }: HistoryQuestion) => id),
    },
    query: (group) => {
      const ids = group.map(({ id }) => id);
      const machines = { owner, from: wanted.from('scope'), values: [wanted.partitions(ids), ids] };
      return pageQuery({ ...keyset, machines }, group[0].request);
    },
    answers: (rows, group) => {
      const rowsOf = new Map<string, PageRow[]>(group.map(({ id }) => [id, []]));
      for (const row of rows) rowsOf.get(row['#machine'] ?? '')?.push(row);
      return group.map(({ id, request }) =>
        pageOf(rowsOf.get(id) ?? [], request, 'version', (row) => transitionOf(tables, row)),
      );
    },
  };
}
