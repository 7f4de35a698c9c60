/** Attempts by raw SQL to change a record of any machine otherwise than by its next transition. */
import { type Attempt, CHECK, type Subjects } from './attempts';
import type { ByHand } from './byHand';
import { hours, sqlOf } from './samples';
import { group, isRule, sumOf, trialOf } from './trial';

/** Changes that PostgreSQL must accept for any machine, and attempts that it must refuse for a record. */
export function recordAttempts(machine: ByHand, of: Subjects): Attempt[] {
  const { byHand, begin, step, id, legal, withFault, subjects } = trialOf(machine, of);
  const { records, history, ledger } = byHand.shape;
  const { name } = byHand.machine;
  const { after, edge } = step;
  const [, writes] = legal;
  return [
    ...group(undefined, {
      'a change': legal,
      'a change that is checked before its end': [...legal, 'SET CONSTRAINTS ALL IMMEDIATE'],
      'a change after a rollback to a savepoint': [
        ...byHand.statements(begin),
        'SAVEPOINT begun',
        ...legal,
        'ROLLBACK TO begun',
      ],
      'a machine that begins and changes in one transaction': [
        ...byHand.statements(begin),
        ...byHand.edges
          .filter(({ from }) => from === begin.edge.to)
          .slice(0, 1)
          .flatMap((following) => byHand.statements(byHand.step(begin.after, following))),
      ],
      'a beginning and a change by one move of the ledger': [
        byHand.ledgerMoves(sumOf(byHand.countsOf(begin.edge), byHand.countsOf(edge)), 2),
        byHand.recordWritten(begin),
        byHand.recordWritten(step),
        byHand.transitionRecorded(step),
        byHand.transitionRecorded(begin, byHand.positionBefore(1)),
      ],
    }),
    ...group(
      { code: '23503', by: `${records}_are_recorded` },
      {
        'a change without its transition': [writes],
        'a record without a history': [byHand.recordWritten(begin)],
        'a record changed again after its transition': [
          ...legal,
          `UPDATE ${records} SET version = version + 1 WHERE id = ${id}`,
        ],
        'a change by MERGE': [
          `MERGE INTO ${records} USING (SELECT) AS nothing ON id = ${id}
           WHEN MATCHED THEN UPDATE SET version = version + 1`,
        ],
      },
    ),
    ...group(
      { code: CHECK, by: `${records}_are_in_their_partition` },
      Object.fromEntries(
        byHand.otherPartitions.flatMap((other) => {
          const record = { partition: String(other) };
          return [
            [
              `a machine that begins in the partition ${other}`,
              byHand.statements(begin, { record }),
            ],
            [`a record that moves into the partition ${other}`, withFault({ record })],
          ];
        }),
      ),
    ),
    ...group(
      { code: '23505', by: `${records}_pkey` },
      {
        'a second machine with one id': byHand.statements(begin, {
          row: { id: after['id'] ?? null },
        }),
      },
    ),
    ...group(isRule(`a record of ${name} changes by its next transition only`), {
      'a change without a new version': withFault({ record: { version: 'version' } }),
      'a version that jumps': withFault({ record: { version: 'version + 2' } }),
      'a version back': withFault({ record: { version: 'version - 1' } }),
      'an id changed': withFault({ record: { id: sqlOf(subjects.unusedId) } }),
      'a column edited': [`UPDATE ${records} SET updated_at = ${sqlOf(hours(8))}`],
      'a record overwritten by ON CONFLICT': [
        `${byHand.recordWritten({ ...begin, after: { ...begin.after, id: after['id'] ?? null } })}
         ON CONFLICT (partition, id) DO UPDATE SET updated_at = excluded.updated_at`,
      ],
    }),
    ...group(isRule(`a record of ${name} is kept for good`), {
      'a record deleted': [`DELETE FROM ${records} WHERE id = ${id}`],
      'a record deleted by MERGE': [
        `MERGE INTO ${records} USING (SELECT) AS nothing ON id = ${id} WHEN MATCHED THEN DELETE`,
      ],
      'all records truncated': [`TRUNCATE ${records}`],
      'all truncated': [`TRUNCATE ${records}, ${history}, ${ledger}`],
    }),
  ];
}
