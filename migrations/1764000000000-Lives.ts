/**
 * The three tables, and everything that keeps them in agreement: row, history and ledger cannot disagree,
 * not even by raw SQL of their owner. A migration is history: it is never edited once released, and it
 * imports nothing of ours, which will have moved on by the time it runs.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Lives1764000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE lives (
        id uuid CONSTRAINT lives_pkey PRIMARY KEY,
        version integer NOT NULL,
        state_type text NOT NULL,
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        born_at timestamptz(3),
        died_at timestamptz(3),
        CONSTRAINT lives_state_agrees_with_timestamps CHECK (
          CASE state_type
            WHEN 'Gestating' THEN born_at IS NULL AND died_at IS NULL
            WHEN 'Alive' THEN born_at IS NOT NULL AND died_at IS NULL
            WHEN 'Dead' THEN died_at IS NOT NULL
            ELSE false
          END
        ),
        CONSTRAINT lives_happen_in_order CHECK (
          born_at >= created_at AND died_at >= coalesce(born_at, created_at)
        )
      )`);

    await queryRunner.query(`
      CREATE TABLE life_transitions (
        life_id uuid NOT NULL,
        version integer NOT NULL,
        previous_version integer GENERATED ALWAYS AS (nullif(version - 1, 0)) STORED,
        event text NOT NULL,
        from_state_type text,
        state_type text NOT NULL,
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        born_at timestamptz(3),
        died_at timestamptz(3),
        occurred_at timestamptz(3) NOT NULL,
        recorded_at timestamptz(3) NOT NULL,
        position bigint NOT NULL,
        actor text,
        idempotency_key text,
        token uuid,
        CONSTRAINT life_transitions_pkey PRIMARY KEY (life_id, version),
        CONSTRAINT life_transitions_position_key UNIQUE (position),
        CONSTRAINT life_transitions_position_is_positive CHECK (position >= 1),
        CONSTRAINT life_transitions_begin_at_version_1
          CHECK ((version = 1) = (from_state_type IS NULL)),
        -- coalesce, since a null beside IN makes the CHECK null, which passes.
        CONSTRAINT life_transitions_are_legal CHECK (
          (coalesce(from_state_type, ''), event, state_type) IN (
            ('', 'Conception', 'Gestating'),
            ('Gestating', 'Birth', 'Alive'),
            ('Gestating', 'Death', 'Dead'),
            ('Alive', 'Death', 'Dead')
          )
        ),
        CONSTRAINT life_transitions_occurred_as_the_life_says CHECK (
          occurred_at IS NOT DISTINCT FROM CASE event
            WHEN 'Conception' THEN created_at
            WHEN 'Birth' THEN born_at
            WHEN 'Death' THEN died_at
          END
        )
      )`);

    // Deferred: the row changes first and its transition is recorded after it, in one transaction. That the
    // two are equal is for the trigger that looks at what is recorded.
    await queryRunner.query(`
      ALTER TABLE lives ADD CONSTRAINT lives_are_recorded
        FOREIGN KEY (id, version) REFERENCES life_transitions (life_id, version)
        DEFERRABLE INITIALLY DEFERRED`);

    await queryRunner.query(`
      CREATE TABLE ledger (
        singleton boolean DEFAULT true CONSTRAINT ledger_pkey PRIMARY KEY,
        position bigint NOT NULL,
        counts jsonb NOT NULL,
        CONSTRAINT ledger_is_one_row CHECK (singleton)
      )`);
    await queryRunner.query(`
      INSERT INTO ledger (position, counts) VALUES (0, '{"Gestating": 0, "Alive": 0, "Dead": 0}')`);

    await queryRunner.query(
      `CREATE INDEX lives_by_state_and_age ON lives (state_type, created_at, id)`,
    );
    await queryRunner.query(`CREATE INDEX lives_by_age ON lives (created_at, id)`);
    await queryRunner.query(
      `CREATE INDEX life_transitions_by_event ON life_transitions (event, position)`,
    );
    await queryRunner.query(`
      CREATE UNIQUE INDEX life_transitions_idempotency_key
        ON life_transitions (life_id, idempotency_key) WHERE idempotency_key IS NOT NULL`);

    await this.refuseOtherChanges(queryRunner);
    await this.checkWhatIsRecorded(queryRunner);

    // Where TypeORM looks up a generated column's expression, which PostgreSQL would give back reworded.
    await queryRunner.query(`
      INSERT INTO typeorm_metadata (type, database, schema, "table", name, value)
      VALUES ('GENERATED_COLUMN', current_database(), current_schema(),
              'life_transitions', 'previous_version', 'nullif(version - 1, 0)')`);
  }

  /** Triggers that no statement of the store ever fires: what must not be done to a table at all. */
  private async refuseOtherChanges(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% of % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0]
          USING ERRCODE = 'integrity_constraint_violation';
      END $$`);
    await queryRunner.query(`
      CREATE TRIGGER life_transitions_are_append_only
        BEFORE UPDATE OR DELETE OR TRUNCATE ON life_transitions
        EXECUTE FUNCTION refuse_change('history is append-only')`);
    await queryRunner.query(`
      CREATE TRIGGER lives_are_never_deleted
        BEFORE DELETE OR TRUNCATE ON lives
        EXECUTE FUNCTION refuse_change('a life ends by dying')`);
    await queryRunner.query(`
      CREATE TRIGGER ledger_is_never_deleted
        BEFORE DELETE OR TRUNCATE ON ledger
        EXECUTE FUNCTION refuse_change('it is one row for good')`);
    // What else must not change is seen when the next version is recorded, which the foreign key demands.
    await queryRunner.query(`
      CREATE TRIGGER lives_change_by_transition
        BEFORE UPDATE ON lives FOR EACH ROW
        WHEN (new.id <> old.id OR new.version <> old.version + 1)
        EXECUTE FUNCTION refuse_change('a life changes by its next transition only')`);
  }

  /**
   * Triggers that every commit fires, once a group: what is recorded is what was done. A session plans their
   * queries once, perhaps while the tables are small, and the plans must do when they have grown: so these
   * never scan a table, and LATERAL with LIMIT is one look into an index for each row.
   */
  private async checkWhatIsRecorded(queryRunner: QueryRunner): Promise<void> {
    // Named in full: a session's temporary table would otherwise be taken for ours.
    const [row] = await queryRunner.manager.query<{ schema: string }[]>(
      'SELECT quote_ident(current_schema()) AS schema',
    );
    const schema = row?.schema ?? 'public';
    await queryRunner.query(`
      CREATE FUNCTION transitions_record_what_was_done() RETURNS trigger LANGUAGE plpgsql
      SET enable_seqscan = off AS $$
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
      END $$`);
    await queryRunner.query(`
      CREATE TRIGGER transitions_record_what_was_done
        AFTER INSERT ON life_transitions REFERENCING NEW TABLE AS recorded
        EXECUTE FUNCTION transitions_record_what_was_done()`);

    await queryRunner.query(`
      CREATE FUNCTION ledger_counts_what_was_recorded() RETURNS trigger LANGUAGE plpgsql
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
          RAISE EXCEPTION 'the ledger moved from % to %, which is not what was recorded',
            old.position, new.position USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        -- As text: 1.0 is equal to 1, and yet no count.
        IF new.counts::text <> (old.counts || expected)::text THEN
          RAISE EXCEPTION 'the ledger''s counts changed from % to %, which is not what was recorded',
            old.counts, new.counts USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
      END $$`);
    // Deferred: the ledger moves before the transitions are recorded that it counts.
    await queryRunner.query(`
      CREATE CONSTRAINT TRIGGER ledger_counts_what_was_recorded
        AFTER UPDATE ON ledger DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION ledger_counts_what_was_recorded()`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE lives DROP CONSTRAINT lives_are_recorded`);
    await queryRunner.query(`DROP TABLE ledger`);
    await queryRunner.query(`DROP TABLE life_transitions`);
    await queryRunner.query(`DROP TABLE lives`);
    await queryRunner.query(`DROP FUNCTION ledger_counts_what_was_recorded`);
    await queryRunner.query(`DROP FUNCTION transitions_record_what_was_done`);
    await queryRunner.query(`DROP FUNCTION refuse_change`);
    await queryRunner.query(`
      DELETE FROM typeorm_metadata
      WHERE "table" = 'life_transitions' AND schema = current_schema()`);
  }
}
