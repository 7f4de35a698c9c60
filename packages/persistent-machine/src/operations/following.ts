/** The next transitions of single machines, for subscribers that follow one machine each. */
import { type Numbered, selected } from './columns';
import type { Operation } from './Operation';
import type { Page } from './page';
import { wantedMachines } from './partition';
import type { MachineTables } from './tables';
import { type TransitionRow, transitionColumns, transitionOf } from './transition';

/** The limits of one statement: transitions of each machine, and machines. */
const MOST = { transitions: 100, machines: 32 };

export interface KnownVersion {
  readonly id: string;
  readonly version: number;
}

export interface Following {
  /** When the known version was recorded; null if there is no such version. */
  readonly known: Date | null;
  readonly page: Page<TransitionRow>;
}

interface Row extends Numbered {
  readonly '#known': Date | null;
  /** null if nothing follows. */
  readonly '#position': string | null;
}

/** @returns an operation that answers an id and a version with the transitions after it, oldest first */
export function following(tables: MachineTables): Operation<KnownVersion, Following, Row> {
  const { names, history, owner } = tables;
  const wanted = wantedMachines(tables);
  // The statement reads one more than a page holds, to know whether there is a next page.
  const statement = {
    name: `${names.history}/following`,
    text: `
SELECT wanted.number AS "#number", known.updated_at AS "#known", following.*
FROM ${wanted.numbered('wanted', ['version', 'integer'])}
LEFT JOIN ${history} AS known
  ON known.partition = wanted.partition AND known.${owner.name} = wanted.id
  AND known.version = wanted.version
LEFT JOIN LATERAL (
  SELECT ${selected(transitionColumns(tables), 'history')}
  FROM ${history} AS history
  WHERE history.partition = wanted.partition AND history.${owner.name} = wanted.id
    AND history.version > wanted.version
  ORDER BY history.version
  LIMIT ${MOST.transitions + 1}
) AS following ON true
ORDER BY wanted.number, following.version`,
  };
  return {
    lane: {
      name: 'follow',
      groupSize: MOST.machines,
      inFlight: 1,
      keyOf: ({ id, version }) => `${id} ${version}`,
      ...wanted.lane(({ id }: KnownVersion) => id),
      isAside: true,
    },
    query: (known) => {
      const ids = known.map(({ id }) => id);
      const versions = known.map(({ version }) => version);
      return { statement, values: [wanted.partitions(ids), ids, versions] };
    },
    answers: (rows, versions) => {
      const found = versions.map(() => ({
        known: null as Date | null,
        nodes: [] as TransitionRow[],
      }));
      for (const row of rows) {
        const own = found[Number(row['#number']) - 1];
        if (own === undefined) continue;
        own.known = row['#known'];
        if (row['#position'] !== null) own.nodes.push(transitionOf(tables, row));
      }
      return found.map(({ known, nodes }) => ({
        known,
        page: {
          nodes: nodes.slice(0, MOST.transitions),
          hasNextPage: nodes.length > MOST.transitions,
          hasPreviousPage: true,
        },
      }));
    },
  };
}
