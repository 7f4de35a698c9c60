/** Attempts by raw SQL to record a transition of any machine that was not made. */
import { type Attempt, CHECK, type Subjects, valueFor } from './attempts';
import type { ByHand } from './byHand';
import { hours, sqlOf } from './samples';
import { group, isRule, sumOf, trialOf } from './trial';

/** Attempts that PostgreSQL must refuse for a history. */
export function historyAttempts(machine: ByHand, of: Subjects): Attempt[] {
  const { byHand, begin, step, next, id, legal, withFault, subjects } = trialOf(machine, of);
  const { records, history, ledger, owner } = byHand.shape;
  const { name } = byHand.machine;
  const { after, edge } = step;
  const [moves, writes, recorded] = legal;
  const other = [...subjects.rows].find(([state]) => state !== edge.from);
  return [
    ...group(isRule(`the history of ${name} is append-only`), {
      'a transition edited': [`UPDATE ${history} SET actor = 'me'`],
      'a transition edited by MERGE': [
        `MERGE INTO ${history} USING (SELECT) AS nothing ON ${owner.name} = ${id}
         WHEN MATCHED THEN UPDATE SET actor = 'me'`,
      ],
      'a transition overwritten by ON CONFLICT': [
        `${byHand.transitionRecorded(step, { version: '1' })}
         ON CONFLICT (partition, ${owner.name}, version) DO UPDATE SET actor = 'me'`,
      ],
      'a transition deleted': [`DELETE FROM ${history}`],
      'the history truncated with the tables that refer to it': [`TRUNCATE ${history} CASCADE`],
    }),
    // feature_not_supported
    ...group(
      { code: '0A000', by: 'foreign key' },
      { 'the history truncated': [`TRUNCATE ${history}`] },
    ),
    ...group(
      { code: '23505', by: `${history}_pkey` },
      {
        'a transition recorded twice': [
          byHand.ledgerMoves(byHand.countsOf(edge), 2),
          writes,
          byHand.transitionRecorded(step, byHand.positionBefore(1)),
          recorded,
        ],
      },
    ),
    ...group(
      { code: CHECK, by: `${history}_are_in_their_partition` },
      Object.fromEntries(
        byHand.otherPartitions.map((partition) => [
          `a transition in the partition ${partition}, where its machine is not`,
          withFault({ transition: { partition: String(partition) } }),
        ]),
      ),
    ),
    ...group(
      { code: CHECK, by: `${history}_begin_at_version_1` },
      {
        'a beginning at version 0': byHand.statements(begin, { row: { version: 0 } }),
        'a beginning at version 7': byHand.statements(begin, { row: { version: 7 } }),
      },
    ),
    ...group(isRule(`a transition of ${name} does not follow the one before`), {
      ...Object.fromEntries(
        [2, 0, -7].map((version) => [
          `a machine that begins at version ${version}, from another state`,
          byHand.statements({
            ...step,
            before: null,
            edge,
            after: { ...after, id: subjects.unusedId, version },
          }),
        ]),
      ),
      ...(other === undefined
        ? {}
        : {
            'a legal event from another state than the one before': byHand.statements({
              ...step,
              before: other[1],
              after: {
                ...after,
                id: other[1]['id'] ?? null,
                version: Number(other[1]['version']) + 1,
              },
            }),
          }),
    }),
    ...group(isRule(`a transition of ${name} changes created_at`), {
      'a created_at edited': withFault({ row: { createdAt: hours(-1) } }),
    }),
    // generated_always
    ...group(
      { code: '428C9', by: 'previous_version' },
      {
        'a previous version written by the statement': withFault({
          transition: { previous_version: '1' },
        }),
      },
    ),
    ...['event', 'state_type', 'position', 'recorded_at', owner.name].flatMap((column) =>
      group(
        { code: '23502', by: `"${column}"` },
        {
          [`a transition whose ${column} is null`]: withFault({ transition: { [column]: 'NULL' } }),
        },
      ),
    ),
    ...group(isRule(`a transition of ${name} differs from its record`), {
      'a transition for no record': [moves, byHand.transitionRecorded(begin)],
      'a transition ahead of its record': [moves, recorded, writes],
      ...Object.fromEntries(
        ['createdAt', 'updatedAt', ...byHand.columns]
          .filter((column) => column !== byHand.momentOf(edge.event))
          .map((column) => [
            `a transition with another ${column} than its record`,
            withFault({
              transition: {
                [byHand.nameOf(column)]: sqlOf(
                  byHand.columns.includes(column)
                    ? valueFor(byHand, column, after[column])
                    : hours(500),
                ),
              },
            }),
          ]),
      ),
      'a transition at another moment than its record': [
        moves,
        writes,
        byHand.transitionRecorded({
          ...step,
          after: { ...after, [byHand.momentOf(edge.event)]: hours(500) },
        }),
      ],
      'a transition inserted by MERGE': [
        moves,
        `MERGE INTO ${history} USING (SELECT) AS nothing ON false WHEN NOT MATCHED THEN
         INSERT ${recorded.replace(/^INSERT INTO \w+/, '')}`,
      ],
      // A temporary table hides ours of the same name from statements that do not name the schema.
      'a transition that equals a shadow of its record': [
        `CREATE TEMPORARY TABLE ${records} ON COMMIT DROP AS SELECT * FROM ${records}`,
        ...legal,
      ],
    }),
    ...group(isRule(`a transition of ${name} has a position beyond the ledger`), {
      'a transition that the ledger does not count': [
        writes,
        byHand.transitionRecorded(step, byHand.positionBefore(-1)),
      ],
      'a transition recorded before the ledger moves': [
        writes,
        byHand.transitionRecorded(step, byHand.positionBefore(-1)),
        moves,
      ],
      'a position far ahead': withFault({ transition: { position: '1000000' } }),
      'a position that a shadow of the ledger has': [
        `CREATE TEMPORARY TABLE ${ledger} ON COMMIT DROP AS SELECT ${byHand.partition} AS partition, 1000 AS position`,
        writes,
        recorded,
      ],
    }),
    ...group(
      { code: '23505', by: `${history}_position_key` },
      { 'a position that is taken': [writes, recorded] },
    ),
    ...group(
      { code: CHECK, by: `${history}_position_is_positive` },
      {
        'a position 0, which no ledger counts': withFault({ transition: { position: '0' } }),
        'a position -7': withFault({ transition: { position: '-7' } }),
      },
    ),
    ...group(isRule(`a transition of ${name} has a position before the one that it follows`), {
      'a machine whose transitions have their positions in reverse': backwards(byHand, subjects),
    }),
    ...(next === undefined
      ? []
      : group(
          { code: '23505', by: `${history}_idempotency_key` },
          {
            'the same key twice for one machine': [
              moves,
              writes,
              byHand.transitionRecorded(step, { idempotency_key: "'once'" }),
              ...byHand.statements(byHand.step(after, next), {
                transition: { idempotency_key: "'once'" },
              }),
            ],
          },
        )),
    ...group(undefined, {
      'the same key for two machines': [
        ...byHand.statements(begin, { transition: { idempotency_key: "'once'" } }),
        moves,
        writes,
        byHand.transitionRecorded(step, { idempotency_key: "'once'" }),
      ],
    }),
  ];
}

/** A beginning and its first change, with their positions exchanged. */
function backwards(byHand: ByHand, { unusedId }: Subjects): string[] {
  const begin = byHand.begin(unusedId);
  const next = byHand.edges.find(({ from }) => from === begin.edge.to);
  if (next === undefined) return [];
  const step = byHand.step(begin.after, next);
  return [
    byHand.ledgerMoves(sumOf(byHand.countsOf(begin.edge), byHand.countsOf(next)), 2),
    byHand.recordWritten(begin),
    byHand.transitionRecorded(begin),
    byHand.recordWritten(step),
    byHand.transitionRecorded(step, byHand.positionBefore(1)),
  ];
}
