/**
 * Written by `npm run migration:generate`: what entities and declarations wanted, and the database lacked. By hand were
 * added the other partitions' rows of the ledger. A database that has rows keeps the one partition that it has. The
 * migration can be reverted while all rows are in the first partition; otherwise the ledger keeps several rows, and its
 * key fails. Do not edit a released migration. It imports nothing of ours, because our code goes on changing, and a
 * migration must not.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Partitions1795847717600 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const schema = await schemaOf(queryRunner);
    const partitions = await partitionsOf(queryRunner);
    await queryRunner.query(`DROP TRIGGER ledger_is_never_deleted ON ledger`);
    await queryRunner.query(`ALTER TABLE lives DROP CONSTRAINT lives_are_recorded`);
    await queryRunner.query(`ALTER TABLE ledger DROP CONSTRAINT ledger_pkey`);
    await queryRunner.query(`ALTER TABLE ledger DROP CONSTRAINT ledger_is_one_row`);
    await queryRunner.query(`ALTER TABLE life_transitions DROP CONSTRAINT life_transitions_pkey`);
    await queryRunner.query(`
      ALTER TABLE life_transitions DROP CONSTRAINT life_transitions_position_key`);
    await queryRunner.query(`ALTER TABLE lives DROP CONSTRAINT lives_pkey`);
    await queryRunner.query(`DROP INDEX life_transitions_by_event`);
    await queryRunner.query(`DROP INDEX life_transitions_idempotency_key`);
    await queryRunner.query(`ALTER TABLE ledger DROP COLUMN singleton`);
    await queryRunner.query(`ALTER TABLE ledger ADD COLUMN partition integer DEFAULT 0 NOT NULL`);
    await queryRunner.query(`
      ALTER TABLE life_transitions ADD COLUMN partition integer DEFAULT 0 NOT NULL`);
    await queryRunner.query(`ALTER TABLE lives ADD COLUMN partition integer DEFAULT 0 NOT NULL`);
    await queryRunner.query(`
      ALTER TABLE ledger
        ADD CONSTRAINT ledger_pkey PRIMARY KEY (partition)`);
    await queryRunner.query(`
      ALTER TABLE ledger
        ADD CONSTRAINT ledger_has_this_partition CHECK (partition >= 0 AND partition < ${partitions})`);
    await queryRunner.query(`
      INSERT INTO ledger (partition, position, counts)
      SELECT partition, 0, '{ "Gestating": 0, "Alive": 0, "Dead": 0 }'
      FROM generate_series(1, ${partitions} - 1) AS partition`);
    await queryRunner.query(`
      ALTER TABLE life_transitions
        ADD CONSTRAINT life_transitions_pkey PRIMARY KEY (partition, life_id, version)`);
    await queryRunner.query(`
      ALTER TABLE life_transitions
        ADD CONSTRAINT life_transitions_position_key UNIQUE (partition, "position")`);
    await queryRunner.query(`
      ALTER TABLE life_transitions
        ADD CONSTRAINT life_transitions_are_in_their_partition CHECK (
          partition = CASE ${partitions}
            WHEN 1 THEN 0
            ELSE ('x' || left(md5(life_id::text), 7))::bit(28)::integer % ${partitions}
          END
        )`);
    await queryRunner.query(`
      ALTER TABLE lives
        ADD CONSTRAINT lives_pkey PRIMARY KEY (partition, id)`);
    await queryRunner.query(`
      ALTER TABLE lives
        ADD CONSTRAINT lives_are_in_their_partition CHECK (
          partition = CASE ${partitions}
            WHEN 1 THEN 0
            ELSE ('x' || left(md5(id::text), 7))::bit(28)::integer % ${partitions}
          END
        )`);
    await queryRunner.query(`
      CREATE INDEX life_transitions_by_event ON life_transitions USING btree (partition, event, "position")`);
    await queryRunner.query(`
      CREATE UNIQUE INDEX life_transitions_idempotency_key ON life_transitions USING btree (partition, life_id, idempotency_key) WHERE idempotency_key IS NOT NULL`);
    await queryRunner.query(`
      ALTER TABLE lives
        ADD CONSTRAINT lives_are_recorded FOREIGN KEY (partition, id, version) REFERENCES life_transitions(partition, life_id, version) DEFERRABLE INITIALLY DEFERRED`);
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
          WHERE partition = new.partition AND position > old.position AND position <= new.position
            AND state IS NOT NULL
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
          WHERE record.partition = recorded.partition AND record.id = recorded.life_id LIMIT 1
        ) AS record ON true
        LEFT JOIN LATERAL (
          SELECT * FROM ${schema}.life_transitions AS previous
          WHERE previous.partition = recorded.partition AND previous.life_id = recorded.life_id
            AND previous.version = recorded.previous_version
          LIMIT 1
        ) AS previous ON true
        LEFT JOIN ${schema}.ledger AS ledger
          ON ledger.partition = recorded.partition;
        IF wrong IS NOT NULL THEN
          RAISE EXCEPTION 'a transition of Life %', wrong
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
      END $$`);
    await queryRunner.query(`
      CREATE TRIGGER ledger_is_never_deleted
        BEFORE DELETE OR TRUNCATE ON ledger
        EXECUTE FUNCTION refuse_change('the ledger of Life is kept for good')`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const schema = await schemaOf(queryRunner);
    await queryRunner.query(`DROP TRIGGER ledger_is_never_deleted ON ledger`);
    await queryRunner.query(`ALTER TABLE lives DROP CONSTRAINT lives_are_recorded`);
    await queryRunner.query(`ALTER TABLE ledger DROP CONSTRAINT ledger_pkey`);
    await queryRunner.query(`ALTER TABLE ledger DROP CONSTRAINT ledger_has_this_partition`);
    await queryRunner.query(`ALTER TABLE life_transitions DROP CONSTRAINT life_transitions_pkey`);
    await queryRunner.query(`
      ALTER TABLE life_transitions DROP CONSTRAINT life_transitions_position_key`);
    await queryRunner.query(`
      ALTER TABLE life_transitions DROP CONSTRAINT life_transitions_are_in_their_partition`);
    await queryRunner.query(`ALTER TABLE lives DROP CONSTRAINT lives_pkey`);
    await queryRunner.query(`ALTER TABLE lives DROP CONSTRAINT lives_are_in_their_partition`);
    await queryRunner.query(`DROP INDEX life_transitions_by_event`);
    await queryRunner.query(`DROP INDEX life_transitions_idempotency_key`);
    await queryRunner.query(`DELETE FROM ledger WHERE partition > 0 AND position = 0`);
    await queryRunner.query(`ALTER TABLE ledger DROP COLUMN partition`);
    await queryRunner.query(`
      ALTER TABLE ledger ADD COLUMN singleton boolean DEFAULT true NOT NULL`);
    await queryRunner.query(`ALTER TABLE life_transitions DROP COLUMN partition`);
    await queryRunner.query(`ALTER TABLE lives DROP COLUMN partition`);
    await queryRunner.query(`
      ALTER TABLE ledger
        ADD CONSTRAINT ledger_pkey PRIMARY KEY (singleton)`);
    await queryRunner.query(`
      ALTER TABLE ledger
        ADD CONSTRAINT ledger_is_one_row CHECK (singleton)`);
    await queryRunner.query(`
      ALTER TABLE life_transitions
        ADD CONSTRAINT life_transitions_pkey PRIMARY KEY (life_id, version)`);
    await queryRunner.query(`
      ALTER TABLE life_transitions
        ADD CONSTRAINT life_transitions_position_key UNIQUE ("position")`);
    await queryRunner.query(`
      ALTER TABLE lives
        ADD CONSTRAINT lives_pkey PRIMARY KEY (id)`);
    await queryRunner.query(`
      CREATE INDEX life_transitions_by_event ON life_transitions USING btree (event, "position")`);
    await queryRunner.query(`
      CREATE UNIQUE INDEX life_transitions_idempotency_key ON life_transitions USING btree (life_id, idempotency_key) WHERE idempotency_key IS NOT NULL`);
    await queryRunner.query(`
      ALTER TABLE lives
        ADD CONSTRAINT lives_are_recorded FOREIGN KEY (id, version) REFERENCES life_transitions(life_id, version) DEFERRABLE INITIALLY DEFERRED`);
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
          RAISE EXCEPTION 'the ledger of Life moved from % to %, which is not what was recorded',
            old.position, new.position USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        -- As text: 1.0 is equal to 1, and yet no count.
        IF new.counts::text <> (old.counts || expected)::text THEN
          RAISE EXCEPTION 'the counts of the ledger of Life changed from % to %, which is not what was recorded',
            old.counts, new.counts USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
      END $function$`);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION life_transitions_record_what_was_done()
       RETURNS trigger
       LANGUAGE plpgsql
       SET enable_seqscan TO 'off'
      AS $function$
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
      END $function$`);
    await queryRunner.query(`
      CREATE TRIGGER ledger_is_never_deleted
        BEFORE DELETE OR TRUNCATE ON ledger
        FOR EACH STATEMENT
        EXECUTE FUNCTION refuse_change('the ledger of Life is one row for good')`);
  }
}

/** The functions name their tables with the schema, since a session's temporary table could stand in for ours. */
async function schemaOf(queryRunner: QueryRunner): Promise<string> {
  const [row] = await queryRunner.manager.query<{ schema: string }[]>(
    'SELECT quote_ident(current_schema()) AS schema',
  );
  return row?.schema ?? 'public';
}

/** Each installation chooses its number of partitions; the server sets it before it runs the migrations. */
async function partitionsOf(queryRunner: QueryRunner): Promise<string> {
  const [row] = await queryRunner.manager.query<{ partitions: string | null }[]>(
    "SELECT nullif(current_setting('persistent_machine.partitions', true), '') AS partitions",
  );
  return row?.partitions ?? '1';
}
