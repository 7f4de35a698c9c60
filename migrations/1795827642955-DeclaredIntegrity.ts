/**
 * Written by `npm run migration:generate`: what entities and declarations wanted then, and the database lacked. A
 * migration is history: it is never edited once released, and it imports nothing of ours, which will have moved on by
 * the time it runs.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class DeclaredIntegrity1795827642955 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const schema = await schemaOf(queryRunner);
    await queryRunner.query(`DROP TRIGGER ledger_is_never_deleted ON ledger`);
    await queryRunner.query(`DROP TRIGGER life_transitions_are_append_only ON life_transitions`);
    await queryRunner.query(`DROP TRIGGER transitions_record_what_was_done ON life_transitions`);
    await queryRunner.query(`DROP TRIGGER lives_are_never_deleted ON lives`);
    await queryRunner.query(`DROP TRIGGER lives_change_by_transition ON lives`);
    await queryRunner.query(`
      ALTER TABLE life_transitions DROP CONSTRAINT life_transitions_occurred_as_the_life_says`);
    await queryRunner.query(`ALTER TABLE lives DROP CONSTRAINT lives_happen_in_order`);
    await queryRunner.query(`ALTER TABLE lives DROP CONSTRAINT lives_state_agrees_with_timestamps`);
    await queryRunner.query(`
      ALTER TABLE life_transitions
        ADD CONSTRAINT life_transitions_occurred_at_their_moment CHECK (
          occurred_at IS NOT DISTINCT FROM CASE event
            WHEN 'Conception' THEN created_at
            WHEN 'Birth' THEN born_at
            WHEN 'Death' THEN died_at
          END
        )`);
    await queryRunner.query(`
      ALTER TABLE lives
        ADD CONSTRAINT lives_state_agrees_with_columns CHECK (
          CASE state_type
            WHEN 'Gestating' THEN born_at IS NULL AND died_at IS NULL
            WHEN 'Alive' THEN born_at IS NOT NULL AND died_at IS NULL
            WHEN 'Dead' THEN died_at IS NOT NULL
            ELSE false
          END
        )`);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION ledger_counts_what_was_recorded() RETURNS trigger LANGUAGE plpgsql
      SET enable_seqscan = off AS $$
      DECLARE
        size bigint;
        expected jsonb;
      BEGIN
        SELECT coalesce(sum(entered), 0),
               jsonb_object_agg(state, coalesce((old.counts ->> state)::bigint, 0) + entered - departed)
        INTO size, expected
        FROM (
          SELECT state, sum(entered) AS entered, sum(departed) AS departed
          FROM ${schema}.life_transitions
          CROSS JOIN LATERAL (VALUES (state_type, 1, 0), (from_state_type, 0, 1))
            AS each (state, entered, departed)
          WHERE position > old.position AND position <= new.position AND state IS NOT NULL
          GROUP BY state
        ) AS sums;
        IF size < 1 OR size <> new.position - old.position THEN
          RAISE EXCEPTION 'the ledger of Life moved from % to %, which is not what was recorded',
            old.position, new.position USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        -- As text: 1.0 is equal to 1, and yet no count.
        IF new.counts::text <> (old.counts || expected)::text THEN
          RAISE EXCEPTION 'the counts of the ledger of Life changed from % to %, which is not what was recorded',
            old.counts, new.counts USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
      END $$`);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION life_transitions_record_what_was_done() RETURNS trigger LANGUAGE plpgsql
      SET enable_seqscan = off AS $$
      DECLARE
        wrong text;
      BEGIN
        SELECT max(CASE
          WHEN (record.version, record.state_type, record.created_at, record.updated_at,
                record.born_at, record.died_at)
            IS DISTINCT FROM
               (recorded.version, recorded.state_type, recorded.created_at,
                recorded.updated_at, recorded.born_at, recorded.died_at)
            THEN 'differs from its record'
          -- Of a first version there is no previous one, and it comes from no state.
          WHEN previous.state_type IS DISTINCT FROM recorded.from_state_type
            THEN 'does not follow the one before'
          WHEN previous.created_at <> recorded.created_at THEN 'changes created_at'
          WHEN previous.born_at IS DISTINCT FROM recorded.born_at AND recorded.event <> 'Birth'
            THEN 'changes born_at, which is not set by ' || recorded.event
          WHEN previous.died_at IS DISTINCT FROM recorded.died_at AND recorded.event <> 'Death'
            THEN 'changes died_at, which is not set by ' || recorded.event
          WHEN previous.occurred_at > recorded.occurred_at THEN 'occurred before the one that it follows'
          WHEN previous.position > recorded.position THEN 'has a position before the one that it follows'
          WHEN recorded.position > ledger.position THEN 'has a position beyond the ledger'
        END)
        INTO wrong
        FROM recorded
        LEFT JOIN LATERAL (
          SELECT * FROM ${schema}.lives AS record
          WHERE record.id = recorded.life_id LIMIT 1
        ) AS record ON true
        LEFT JOIN LATERAL (
          SELECT * FROM ${schema}.life_transitions AS previous
          WHERE previous.life_id = recorded.life_id
            AND previous.version = recorded.previous_version
          LIMIT 1
        ) AS previous ON true
        LEFT JOIN ${schema}.ledger AS ledger ON ledger.singleton;
        IF wrong IS NOT NULL THEN
          RAISE EXCEPTION 'a transition of Life %', wrong
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
      END $$`);
    await queryRunner.query(`
      CREATE TRIGGER ledger_is_never_deleted
        BEFORE DELETE OR TRUNCATE ON ledger
        EXECUTE FUNCTION refuse_change('the ledger of Life is one row for good')`);
    await queryRunner.query(`
      CREATE TRIGGER life_transitions_are_append_only
        BEFORE UPDATE OR DELETE OR TRUNCATE ON life_transitions
        EXECUTE FUNCTION refuse_change('the history of Life is append-only')`);
    await queryRunner.query(`
      CREATE TRIGGER life_transitions_record_what_was_done
        AFTER INSERT ON life_transitions
        REFERENCING NEW TABLE AS recorded
        EXECUTE FUNCTION life_transitions_record_what_was_done()`);
    await queryRunner.query(`
      CREATE TRIGGER lives_are_never_deleted
        BEFORE DELETE OR TRUNCATE ON lives
        EXECUTE FUNCTION refuse_change('a record of Life is kept for good')`);
    await queryRunner.query(`
      CREATE TRIGGER lives_change_by_transition
        BEFORE UPDATE ON lives
        FOR EACH ROW
        WHEN (new.id <> old.id OR new.version <> old.version + 1)
        EXECUTE FUNCTION refuse_change('a record of Life changes by its next transition only')`);
    await queryRunner.query(`DROP FUNCTION transitions_record_what_was_done`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const schema = await schemaOf(queryRunner);
    await queryRunner.query(`DROP TRIGGER ledger_is_never_deleted ON ledger`);
    await queryRunner.query(`DROP TRIGGER life_transitions_are_append_only ON life_transitions`);
    await queryRunner.query(`
      DROP TRIGGER life_transitions_record_what_was_done ON life_transitions`);
    await queryRunner.query(`DROP TRIGGER lives_are_never_deleted ON lives`);
    await queryRunner.query(`DROP TRIGGER lives_change_by_transition ON lives`);
    await queryRunner.query(`
      ALTER TABLE life_transitions DROP CONSTRAINT life_transitions_occurred_at_their_moment`);
    await queryRunner.query(`ALTER TABLE lives DROP CONSTRAINT lives_state_agrees_with_columns`);
    await queryRunner.query(`
      ALTER TABLE life_transitions
        ADD CONSTRAINT life_transitions_occurred_as_the_life_says CHECK (NOT occurred_at IS DISTINCT FROM
        CASE event
            WHEN 'Conception'::text THEN created_at
            WHEN 'Birth'::text THEN born_at
            WHEN 'Death'::text THEN died_at
            ELSE NULL::timestamp with time zone
        END)`);
    await queryRunner.query(`
      ALTER TABLE lives
        ADD CONSTRAINT lives_happen_in_order CHECK (born_at >= created_at AND died_at >= COALESCE(born_at, created_at))`);
    await queryRunner.query(`
      ALTER TABLE lives
        ADD CONSTRAINT lives_state_agrees_with_timestamps CHECK (
        CASE state_type
            WHEN 'Gestating'::text THEN born_at IS NULL AND died_at IS NULL
            WHEN 'Alive'::text THEN born_at IS NOT NULL AND died_at IS NULL
            WHEN 'Dead'::text THEN died_at IS NOT NULL
            ELSE false
        END)`);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION ledger_counts_what_was_recorded()
       RETURNS trigger
       LANGUAGE plpgsql
       SET enable_seqscan TO 'off'
      AS $function$
      DECLARE
        size bigint;
        expected jsonb;
      BEGIN
        SELECT coalesce(sum(entered), 0),
               jsonb_object_agg(state, coalesce((old.counts ->> state)::bigint, 0) + entered - departed)
        INTO size, expected
        FROM (
          SELECT state, sum(entered) AS entered, sum(departed) AS departed
          FROM ${schema}.life_transitions
          CROSS JOIN LATERAL (VALUES (state_type, 1, 0), (from_state_type, 0, 1))
            AS each (state, entered, departed)
          WHERE position > old.position AND position <= new.position AND state IS NOT NULL
          GROUP BY state
        ) AS sums;
        IF size < 1 OR size <> new.position - old.position THEN
          RAISE EXCEPTION 'the ledger moved from % to %, which is not what was recorded',
            old.position, new.position USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        -- As text: 1.0 is equal to 1, and yet no count.
        IF new.counts::text <> (old.counts || expected)::text THEN
          RAISE EXCEPTION 'the ledger''s counts changed from % to %, which is not what was recorded',
            old.counts, new.counts USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
      END $function$`);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION transitions_record_what_was_done()
       RETURNS trigger
       LANGUAGE plpgsql
       SET enable_seqscan TO 'off'
      AS $function$
      DECLARE
        wrong text;
      BEGIN
        SELECT max(CASE
          WHEN (lives.version, lives.state_type, lives.created_at, lives.updated_at,
                lives.born_at, lives.died_at)
            IS DISTINCT FROM
               (recorded.version, recorded.state_type, recorded.created_at, recorded.updated_at,
                recorded.born_at, recorded.died_at)
            THEN 'a transition differs from its life'
          -- Of a first version there is no previous one, and it comes from no state.
          WHEN previous.state_type IS DISTINCT FROM recorded.from_state_type
            THEN 'a transition does not follow the one before'
          -- A timestamp of the record is written by the transition that it belongs to, and by no later one.
          WHEN previous.created_at <> recorded.created_at
            OR previous.born_at IS DISTINCT FROM recorded.born_at AND recorded.event <> 'Birth'
            OR previous.died_at IS DISTINCT FROM recorded.died_at AND recorded.event <> 'Death'
            THEN 'a transition changes what is not its own'
          WHEN previous.position > recorded.position THEN 'a life is recorded out of order'
          WHEN recorded.position > ledger.position THEN 'a transition is beyond the ledger'
        END)
        INTO wrong
        FROM recorded
        LEFT JOIN LATERAL (
          SELECT * FROM ${schema}.lives WHERE lives.id = recorded.life_id LIMIT 1
        ) AS lives ON true
        LEFT JOIN LATERAL (
          SELECT * FROM ${schema}.life_transitions
          WHERE life_id = recorded.life_id AND version = recorded.previous_version
          LIMIT 1
        ) AS previous ON true
        LEFT JOIN ${schema}.ledger ON ledger.singleton;
        IF wrong IS NOT NULL THEN
          RAISE EXCEPTION '%', wrong USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
      END $function$`);
    await queryRunner.query(`
      CREATE TRIGGER ledger_is_never_deleted
        BEFORE DELETE OR TRUNCATE ON ledger
        FOR EACH STATEMENT
        EXECUTE FUNCTION refuse_change('it is one row for good')`);
    await queryRunner.query(`
      CREATE TRIGGER life_transitions_are_append_only
        BEFORE DELETE OR UPDATE OR TRUNCATE ON life_transitions
        FOR EACH STATEMENT
        EXECUTE FUNCTION refuse_change('history is append-only')`);
    await queryRunner.query(`
      CREATE TRIGGER transitions_record_what_was_done
        AFTER INSERT ON life_transitions
        REFERENCING NEW TABLE AS recorded
        FOR EACH STATEMENT
        EXECUTE FUNCTION transitions_record_what_was_done()`);
    await queryRunner.query(`
      CREATE TRIGGER lives_are_never_deleted
        BEFORE DELETE OR TRUNCATE ON lives
        FOR EACH STATEMENT
        EXECUTE FUNCTION refuse_change('a life ends by dying')`);
    await queryRunner.query(`
      CREATE TRIGGER lives_change_by_transition
        BEFORE UPDATE ON lives
        FOR EACH ROW
        WHEN (new.id <> old.id OR new.version <> (old.version + 1))
        EXECUTE FUNCTION refuse_change('a life changes by its next transition only')`);
    await queryRunner.query(`DROP FUNCTION life_transitions_record_what_was_done`);
  }
}

/** Functions name it in full: a session's temporary table would otherwise be taken for ours. */
async function schemaOf(queryRunner: QueryRunner): Promise<string> {
  const [row] = await queryRunner.manager.query<{ schema: string }[]>(
    'SELECT quote_ident(current_schema()) AS schema',
  );
  return row?.schema ?? 'public';
}
