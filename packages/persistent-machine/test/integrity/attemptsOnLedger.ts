/** Attempts by raw SQL to make the ledger of any machine count what was not recorded. */
import { type Attempt, CHECK, type Subjects } from './attempts';
import type { ByHand } from './byHand';
import { group, isRule, trialOf } from './trial';

/** Attempts that PostgreSQL must refuse for a ledger. */
export function ledgerAttempts(machine: ByHand, of: Subjects): Attempt[] {
  const { byHand, step, legal } = trialOf(machine, of);
  const { history, ledger } = byHand.shape;
  const { partition, partitions, inPartition } = byHand;
  const { name } = byHand.machine;
  const { edge } = step;
  const [moves, writes, recorded] = legal;
  return [
    ...group(isRule(`the ledger of ${name} is kept for good`), {
      'the ledger deleted': [`DELETE FROM ${ledger}`],
      'the ledger truncated': [`TRUNCATE ${ledger}`],
    }),
    ...group(
      { code: '23505', by: `${ledger}_pkey` },
      {
        'a second ledger of a partition': [
          `INSERT INTO ${ledger} (partition, position, counts) VALUES (${partition}, 0, '{}')`,
        ],
      },
    ),
    ...group(
      { code: CHECK, by: `${ledger}_has_this_partition` },
      {
        ...Object.fromEntries(
          [-1, partitions].map((other) => [
            `a ledger of the partition ${other}, which does not exist`,
            [`INSERT INTO ${ledger} (partition, position, counts) VALUES (${other}, 0, '{}')`],
          ]),
        ),
        'a ledger that leaves its partition': [
          `UPDATE ${ledger} SET partition = ${partitions} ${inPartition}`,
        ],
      },
    ),
    ...['partition', 'position', 'counts'].flatMap((column) =>
      group(
        { code: '23502', by: `"${column}"` },
        { [`a ledger whose ${column} is null`]: [`UPDATE ${ledger} SET ${column} = NULL`] },
      ),
    ),
    ...group(isRule(`the ledger of ${name} moved`), {
      'the ledger moved alone': [byHand.ledgerMoves({})],
      'the ledger moved alone with its counts': [moves],
      'the ledger moved back': [byHand.ledgerMoves({}, -1)],
      'the ledger moved there and back': [byHand.ledgerMoves({}, 5), byHand.ledgerMoves({}, -5)],
      'the ledger moved too far beside a change, and back': [
        ...legal,
        byHand.ledgerMoves({}, 5),
        byHand.ledgerMoves({}, -5),
      ],
      'counts changed alone': [byHand.ledgerMoves({ [edge.to]: 1 }, 0)],
      'a change that is counted but not recorded': [moves, writes],
      'a transition that was rolled back to a savepoint': [
        moves,
        writes,
        'SAVEPOINT before_the_record',
        recorded,
        'ROLLBACK TO before_the_record',
      ],
      'a transition that ON CONFLICT DO NOTHING leaves out': [
        moves,
        writes,
        `${byHand.transitionRecorded(step, { position: '1' })} ON CONFLICT DO NOTHING`,
      ],
      'a ledger that counts a shadow of the history': [
        `CREATE TEMPORARY TABLE ${history} (LIKE ${history}) ON COMMIT DROP`,
        moves,
        recorded,
      ],
      ...Object.fromEntries(
        byHand.otherPartitions
          .filter((other) => other >= 0 && other < partitions)
          .map((other) => [
            `a change that the ledger of the partition ${other} counts, too`,
            [...legal, moves.replace(inPartition, `WHERE partition = ${other}`)],
          ]),
      ),
      'a position skipped': [byHand.ledgerMoves(byHand.countsOf(edge), 2), writes, recorded],
    }),
    ...group(isRule(`the counts of the ledger of ${name} changed`), {
      ...Object.fromEntries(
        [{ [edge.to]: 2 }, { [edge.from ?? '']: -2 }, { Nowhere: 0 }].map((wrong) => [
          `a change that the ledger counts as ${JSON.stringify(wrong)}`,
          [byHand.ledgerMoves({ ...byHand.countsOf(edge), ...wrong }), writes, recorded],
        ]),
      ),
      ...Object.fromEntries(
        // The right count as other JSON, and values that are no count.
        ['%s.0', '%s.5', '"%s"', '[%s]', 'null', 'false'].map((count) => [
          `a change that makes a count ${count}`,
          [
            byHand.ledgerMoves(byHand.countsOf(edge), 1, (counts) => {
              const right = `(${counts}) ->> '${edge.to}'`;
              return `jsonb_set(${counts}, '{${edge.to}}', format('${count}', ${right})::jsonb)`;
            }),
            writes,
            recorded,
          ],
        ]),
      ),
      ...Object.fromEntries(
        ['{}', '[]', '7', 'null'].map((counts) => [
          `a change after which the counts are ${counts}`,
          [
            `UPDATE ${ledger} SET position = position + 1, counts = '${counts}' ${inPartition}`,
            writes,
            recorded,
          ],
        ]),
      ),
    }),
  ];
}
