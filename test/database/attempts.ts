/**
 * Every way we know in which raw SQL of the tables' owner could bring row, history and ledger into
 * disagreement, by what refuses it.
 */
import {
  alive,
  BEFORE,
  birth,
  born,
  changed,
  conceived,
  conception,
  dead,
  death,
  deathBeforeBirth,
  died,
  gestating,
  LAST_POSITION,
  ledgerMoves,
  LONG_AGO,
  NEXT_POSITION,
  nobody,
  NOW,
  POSITION_BEFORE,
  recorded,
  stillborn,
  withoutLedger,
} from './changesByHand';

/** What one constraint or trigger refuses, each in a transaction of its own. */
export interface Refusals {
  /** The SQLSTATE. */
  readonly code: string;
  /** The constraint's name, or words of the message: the attempt is refused for this and no other reason. */
  readonly by: string;
  readonly attempts: Readonly<Record<string, readonly string[]>>;
}

export const refusals: readonly Refusals[] = [
  {
    code: '23503',
    by: 'lives_are_recorded',
    attempts: {
      'a birth with no transition': [born(gestating)],
      'a life inserted with no history': [conceived(nobody)],
      'a life inserted alive with no history': [
        conceived(nobody, { state_type: "'Alive'", born_at: NOW }),
      ],
      'a life changed again after its transition was recorded': [
        ...birth(gestating),
        died(gestating),
      ],
      'a life changed by a merge': [
        `MERGE INTO lives USING (SELECT) AS nothing ON id = '${gestating}'
         WHEN MATCHED THEN UPDATE SET version = version + 1, state_type = 'Alive', born_at = ${NOW}`,
      ],
      'many deaths at once, by what another table says': [
        `UPDATE lives SET version = lives.version + 1, state_type = 'Dead', died_at = ${NOW}
         FROM life_transitions AS history
         WHERE history.life_id = lives.id AND lives.died_at IS NULL`,
      ],
    },
  },
  {
    code: '23505',
    by: 'lives_pkey',
    attempts: { 'a second life with the same id': conception(gestating) },
  },
  {
    code: '23514',
    by: 'lives_state_agrees_with_timestamps',
    attempts: {
      'an alive that has died': birth(gestating, { died_at: NOW }),
      'an unknown state': [changed(gestating, { state_type: "'Unborn'" })],
      'an alive that was never born': birth(gestating, { born_at: 'NULL' }),
      'a dead that never died': death(alive, { died_at: 'NULL' }),
      'a gestating that is conceived with a birthday': conception(nobody, { born_at: NOW }),
    },
  },
  {
    code: '23514',
    by: 'lives_happen_in_order',
    attempts: {
      'a birth before the conception': birth(gestating, { born_at: LONG_AGO }),
      'a death before the birth': death(alive, { died_at: LONG_AGO }),
      'a death before birth, and before the conception': deathBeforeBirth(gestating, {
        died_at: LONG_AGO,
      }),
    },
  },
  {
    code: '23000',
    by: 'a life changes by its next transition only',
    attempts: {
      'a birth without a change of version': birth(gestating, { version: 'version' }),
      'a version that jumps': birth(gestating, { version: 'version + 2' }),
      'a life rewound to version 1': [
        changed(alive, { version: '1', state_type: "'Gestating'", born_at: 'NULL' }),
      ],
      'a life rewound by one version': [
        changed(dead, { version: 'version - 1', state_type: "'Alive'", died_at: 'NULL' }),
      ],
      'a created_at edited': [`UPDATE lives SET created_at = ${NOW}`],
      'an updated_at edited': [`UPDATE lives SET updated_at = ${NOW}`],
      'a born_at edited': [`UPDATE lives SET born_at = ${NOW} WHERE state_type = 'Alive'`],
      'a died_at edited': [`UPDATE lives SET died_at = ${NOW} WHERE state_type = 'Dead'`],
      'an id changed': [`UPDATE lives SET id = '${nobody}' WHERE id = '${gestating}'`],
      'an id changed by a birth': birth(gestating, { id: `'${nobody}'` }),
      'a life overwritten where it conflicts': [
        `${conceived(gestating)} ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at`,
      ],
    },
  },
  {
    code: '23000',
    by: 'a life ends by dying',
    attempts: {
      'a life deleted': [`DELETE FROM lives WHERE id = '${gestating}'`],
      'a life deleted by a merge': [
        `MERGE INTO lives USING (SELECT) AS nothing ON id = '${gestating}'
         WHEN MATCHED THEN DELETE`,
      ],
      'all lives truncated': ['TRUNCATE lives'],
      'all lives truncated with their history': ['TRUNCATE lives, life_transitions, ledger'],
    },
  },
  {
    code: '23000',
    by: 'history is append-only',
    attempts: {
      'a transition edited': ["UPDATE life_transitions SET actor = 'me'"],
      'a transition edited by a merge': [
        `MERGE INTO life_transitions USING (SELECT) AS nothing ON life_id = '${gestating}'
         WHEN MATCHED THEN UPDATE SET actor = 'me'`,
      ],
      'a transition overwritten where it conflicts': [
        `${recorded(alive, 'Birth', 'Gestating')}
         ON CONFLICT (life_id, version) DO UPDATE SET actor = 'me'`,
      ],
      'a transition deleted': ['DELETE FROM life_transitions'],
      'the history truncated with all that refers to it': ['TRUNCATE life_transitions CASCADE'],
    },
  },
  {
    code: '0A000', // feature_not_supported
    by: 'foreign key',
    attempts: { 'the history truncated': ['TRUNCATE life_transitions'] },
  },
  {
    code: '23505',
    by: 'life_transitions_pkey',
    attempts: {
      'a transition recorded twice': [
        ledgerMoves({ Gestating: -2, Alive: 2 }, 2),
        born(gestating),
        recorded(gestating, 'Birth', 'Gestating', POSITION_BEFORE),
        recorded(gestating, 'Birth', 'Gestating', LAST_POSITION),
      ],
    },
  },
  {
    code: '23514',
    by: 'life_transitions_begin_at_version_1',
    attempts: {
      'a conception at version 0': conception(nobody, { version: '0' }),
      'a conception at version 7': conception(nobody, { version: '7' }),
      'a second conception, from null': [
        ledgerMoves({}),
        changed(gestating),
        recorded(gestating, 'Conception', null),
      ],
    },
  },
  {
    code: '23514',
    by: 'life_transitions_are_legal',
    attempts: {
      'a second death': [
        ledgerMoves({}),
        died(dead, { died_at: 'died_at' }),
        recorded(dead, 'Death', 'Dead'),
      ],
      'a resurrection': [
        ledgerMoves({ Dead: -1, Alive: 1 }),
        changed(dead, { state_type: "'Alive'", died_at: 'NULL' }),
        recorded(dead, 'Birth', 'Dead'),
      ],
      'a life that begins alive': [
        ledgerMoves({ Alive: 1 }),
        conceived(nobody, { state_type: "'Alive'", born_at: NOW }),
        recorded(nobody, 'Birth', null),
      ],
      'a birth from null': birth(gestating, {}, { from_state_type: 'NULL' }),
      'an event that is not for these states': birth(gestating, {}, { event: "'Death'" }),
      'an unknown event': birth(gestating, {}, { event: "'Rebirth'" }),
    },
  },
  {
    code: '23000',
    by: 'a transition does not follow the one before',
    attempts: {
      'a life that begins alive at version 2': [
        ledgerMoves({ Alive: 1 }),
        conceived(nobody, { version: '2', state_type: "'Alive'", born_at: NOW }),
        recorded(nobody, 'Birth', 'Gestating'),
      ],
      ...Object.fromEntries(
        ['0', '-7'].map((version) => [
          `a birth at version ${version}`,
          [
            ledgerMoves({ Alive: 1 }),
            conceived(nobody, { version, state_type: "'Alive'", born_at: NOW }),
            recorded(nobody, 'Birth', 'Gestating'),
          ],
        ]),
      ),
      'a second conception, from a state with an empty name': [
        ledgerMoves({}),
        changed(gestating),
        recorded(gestating, 'Conception', ''),
      ],
      'a legal event from another state than the one before': [
        ledgerMoves({ Gestating: -1, Dead: 1 }),
        died(gestating),
        recorded(gestating, 'Death', 'Alive'),
      ],
      'a birth after the death': [
        ledgerMoves({ Dead: -1, Alive: 1 }),
        born(stillborn, { died_at: 'NULL' }),
        recorded(stillborn, 'Birth', 'Gestating'),
      ],
    },
  },
  {
    code: '23000',
    by: 'a transition changes what is not its own',
    attempts: {
      'a created_at edited by a death': death(alive, { created_at: LONG_AGO }),
      'a born_at edited by a death': death(alive, { born_at: NOW }),
      'a born_at forgotten by a death': death(alive, { born_at: 'NULL' }),
      'a born_at that a death before birth makes up': deathBeforeBirth(gestating, { born_at: NOW }),
    },
  },
  {
    code: '428C9', // generated_always
    by: 'previous_version',
    attempts: {
      'a previous version of its own choice': birth(gestating, {}, { previous_version: '1' }),
    },
  },
  ...['event', 'state_type', 'position'].map((column) => ({
    code: '23502',
    by: `"${column}"`,
    attempts: {
      [`a transition whose ${column} is null`]: birth(gestating, {}, { [column]: 'NULL' }),
    },
  })),
  {
    code: '23514',
    by: 'life_transitions_occurred_as_the_life_says',
    attempts: { 'an occurred_at of its own': birth(gestating, {}, { occurred_at: BEFORE }) },
  },
  {
    code: '23000',
    by: 'a transition differs from its life',
    attempts: {
      'a transition for no life': [
        ledgerMoves({ Gestating: 1 }),
        recorded(gestating, 'Conception', null, { life_id: `'${nobody}'` }),
      ],
      'a transition ahead of its life': [
        ledgerMoves({ Gestating: -1, Alive: 1 }),
        recorded(gestating, 'Birth', 'Gestating', {
          version: 'version + 1',
          state_type: "'Alive'",
          born_at: NOW,
          occurred_at: NOW,
        }),
        born(gestating),
      ],
      ...Object.fromEntries(
        Object.entries({
          created_at: { created_at: NOW },
          updated_at: { updated_at: BEFORE, recorded_at: BEFORE },
          born_at: { born_at: BEFORE, occurred_at: BEFORE },
          died_at: { died_at: NOW },
          state: { event: "'Death'", state_type: "'Dead'", died_at: NOW, occurred_at: NOW },
        }).map(([column, columns]) => [
          `a transition with another ${column} than its life`,
          birth(gestating, {}, columns),
        ]),
      ),
      'a life changed twice, and both recorded after': [
        ledgerMoves({ Gestating: -1, Dead: 1 }, 2),
        born(gestating),
        died(gestating),
        recorded(gestating, 'Birth', 'Gestating', {
          ...POSITION_BEFORE,
          version: 'version - 1',
          state_type: "'Alive'",
          died_at: 'NULL',
          occurred_at: 'born_at',
        }),
        recorded(gestating, 'Death', 'Alive'),
      ],
      'a transition inserted by a merge': [
        ledgerMoves({ Gestating: -1, Alive: 1 }),
        `MERGE INTO life_transitions USING lives ON life_id = id AND life_transitions.version = 2
         WHEN NOT MATCHED AND id = '${gestating}' THEN INSERT
           (life_id, version, event, from_state_type, state_type, created_at, updated_at, born_at,
            occurred_at, recorded_at, position)
           VALUES (id, 2, 'Birth', 'Gestating', 'Alive', created_at, ${NOW}, ${NOW},
                   ${NOW}, ${NOW}, (SELECT position FROM ledger))`,
      ],
      // A temporary table hides ours of the same name from all that does not name the schema.
      'a transition that equals a shadow of its life': [
        'CREATE TEMPORARY TABLE lives ON COMMIT DROP AS SELECT * FROM lives',
        ...birth(gestating),
      ],
    },
  },
  {
    code: '23000',
    by: 'a transition is beyond the ledger',
    attempts: {
      'a transition that the ledger does not know of': withoutLedger(
        birth(gestating, {}, NEXT_POSITION),
      ),
      'a transition recorded before the ledger moves': [
        ...withoutLedger(birth(gestating, {}, NEXT_POSITION)),
        ledgerMoves({ Gestating: -1, Alive: 1 }),
      ],
      'a position far ahead': birth(gestating, {}, { position: '1000000' }),
      'a position that a shadow of the ledger has': [
        'CREATE TEMPORARY TABLE ledger ON COMMIT DROP AS SELECT 1000 AS position',
        ...withoutLedger(birth(gestating)),
      ],
    },
  },
  {
    code: '23505',
    by: 'life_transitions_position_key',
    attempts: { 'a position that is taken': withoutLedger(birth(gestating)) },
  },
  {
    code: '23514',
    by: 'life_transitions_position_is_positive',
    attempts: {
      'a position 0, which no ledger counts': withoutLedger(
        birth(gestating, {}, { position: '0' }),
      ),
      'a position -7': withoutLedger(birth(gestating, {}, { position: '-7' })),
    },
  },
  {
    code: '23000',
    by: 'a life is recorded out of order',
    attempts: {
      'a life that the feed has backwards': [
        ledgerMoves({ Alive: 1 }, 2),
        ...withoutLedger(conception(nobody)),
        ...withoutLedger(birth(nobody, {}, POSITION_BEFORE)),
      ],
      'a life that the feed has backwards, by two moves of the ledger': [
        ledgerMoves({ Gestating: -1, Alive: 1 }),
        ledgerMoves({ Gestating: 1 }),
        ...withoutLedger(conception(nobody)),
        ...withoutLedger(birth(nobody, {}, POSITION_BEFORE)),
      ],
    },
  },
  {
    code: '23505',
    by: 'life_transitions_idempotency_key',
    attempts: {
      'the same key twice for one life': [
        ...birth(gestating, {}, { idempotency_key: "'once'" }),
        ...death(gestating, {}, { idempotency_key: "'once'" }),
      ],
    },
  },
  {
    code: '23000',
    by: 'it is one row for good',
    attempts: {
      'the ledger deleted': ['DELETE FROM ledger'],
      'the ledger deleted by a merge': [
        'MERGE INTO ledger USING (SELECT) AS nothing ON true WHEN MATCHED THEN DELETE',
      ],
      'the ledger truncated': ['TRUNCATE ledger'],
    },
  },
  {
    code: '23505',
    by: 'ledger_pkey',
    attempts: { 'a second ledger': ["INSERT INTO ledger (position, counts) VALUES (0, '{}')"] },
  },
  {
    code: '23514',
    by: 'ledger_is_one_row',
    attempts: {
      'a second ledger that is not the one': [
        "INSERT INTO ledger (singleton, position, counts) VALUES (false, 0, '{}')",
      ],
      'a ledger that is not the one any more': ['UPDATE ledger SET singleton = false'],
    },
  },
  ...['singleton', 'position', 'counts'].map((column) => ({
    code: '23502',
    by: `"${column}"`,
    attempts: { [`a ledger whose ${column} is null`]: [`UPDATE ledger SET ${column} = NULL`] },
  })),
  {
    code: '23000',
    by: 'the ledger moved',
    attempts: {
      'the ledger moved alone': [ledgerMoves({})],
      'the ledger moved alone with its counts': [ledgerMoves({ Gestating: 1 })],
      'the ledger moved back': [ledgerMoves({}, -1)],
      'the ledger moved there and back': [ledgerMoves({}, 5), ledgerMoves({}, -5)],
      'the ledger moved too far beside a birth, and back': [
        ...birth(gestating),
        ledgerMoves({}, 5),
        ledgerMoves({}, -5),
      ],
      'the ledger overwritten where it conflicts': [
        `INSERT INTO ledger (position, counts) VALUES (0, '{}')
         ON CONFLICT (singleton) DO UPDATE SET counts = excluded.counts`,
      ],
      'counts changed alone': [ledgerMoves({ Alive: 1 }, 0)],
      'a birth that only the ledger knows of': [
        ledgerMoves({ Gestating: -1, Alive: 1 }),
        born(gestating),
      ],
      'a birth whose transition went back to a savepoint': [
        ledgerMoves({ Gestating: -1, Alive: 1 }),
        born(gestating),
        'SAVEPOINT before_the_record',
        recorded(gestating, 'Birth', 'Gestating'),
        'ROLLBACK TO before_the_record',
      ],
      'a birth whose transition is silently left out where it conflicts': [
        ledgerMoves({ Gestating: -1, Alive: 1 }),
        born(gestating),
        `${recorded(gestating, 'Birth', 'Gestating', { position: '1' })} ON CONFLICT DO NOTHING`,
      ],
      'a ledger that counts a shadow of the history': [
        'CREATE TEMPORARY TABLE life_transitions (LIKE life_transitions) ON COMMIT DROP',
        ledgerMoves({ Gestating: -1, Alive: 1 }),
        recorded(gestating, 'Birth', 'Gestating', { version: '2', state_type: "'Alive'" }),
      ],
      'a position skipped': [
        ledgerMoves({ Gestating: -1, Alive: 1 }, 2),
        ...withoutLedger(birth(gestating)),
      ],
    },
  },
  {
    code: '23000',
    by: "the ledger's counts changed",
    attempts: {
      ...Object.fromEntries(
        // After the birth there are in truth 0 gestating, 2 alive and 2 dead.
        [
          '{"Gestating": 0, "Alive": 1, "Dead": 2}',
          '{"Gestating": 0, "Alive": 1, "Dead": 3}',
          '{"Gestating": 1, "Alive": 2, "Dead": 2}',
          '{"Gestating": -1, "Alive": 2, "Dead": 2}',
          '{"Gestating": 0.0, "Alive": 2, "Dead": 2}',
          '{"Gestating": 0.5, "Alive": 2, "Dead": 2}',
          '{"Gestating": "0", "Alive": 2, "Dead": 2}',
          '{"Gestating": null, "Alive": 2, "Dead": 2}',
          '{"Gestating": false, "Alive": 2, "Dead": 2}',
          '{"Gestating": [], "Alive": 2, "Dead": 2}',
          '{"Alive": 2, "Dead": 2}',
          '{"Gestating": 0, "Alive": 2, "Dead": 2, "Unborn": 1}',
          '{"Gestating": 0, "Alive": 2, "Dead": 2, "Unborn": 0}',
          '{"Gestating": 0, "Alive": 2, "Dead": 2, "Unborn": null}',
          '{}',
          '[]',
          '7',
          'null',
          '["Gestating", "Alive", "Dead"]',
        ].map((counts) => [
          `a birth after which there are ${counts}`,
          [
            `UPDATE ledger SET position = position + 1, counts = '${counts}'`,
            ...withoutLedger(birth(gestating)),
          ],
        ]),
      ),
      'counts put right by a second move of the ledger': [
        ledgerMoves({ Gestating: -1, Dead: 1 }),
        ...withoutLedger(birth(gestating)),
        ledgerMoves({ Dead: -1, Alive: 1 }, 0),
      ],
    },
  },
];
