-- What the migrations make of an empty database, for reading and for reviews: never edited, never run.
-- Written by scripts/databaseSchema.ts.

CREATE TABLE ledger (
  "position" bigint NOT NULL,
  counts jsonb NOT NULL,
  partition integer DEFAULT 0 NOT NULL,
  CONSTRAINT ledger_pkey PRIMARY KEY (partition),
  CONSTRAINT ledger_has_this_partition CHECK (partition >= 0 AND partition < 1)
);

CREATE TABLE life_transitions (
  life_id uuid NOT NULL,
  version integer NOT NULL,
  previous_version integer GENERATED ALWAYS AS (NULLIF(version - 1, 0)) STORED,
  event text NOT NULL,
  from_state_type text,
  state_type text NOT NULL,
  created_at timestamp(3) with time zone NOT NULL,
  updated_at timestamp(3) with time zone NOT NULL,
  born_at timestamp(3) with time zone,
  died_at timestamp(3) with time zone,
  occurred_at timestamp(3) with time zone NOT NULL,
  recorded_at timestamp(3) with time zone NOT NULL,
  "position" bigint NOT NULL,
  actor text,
  idempotency_key text,
  token uuid,
  partition integer DEFAULT 0 NOT NULL,
  CONSTRAINT life_transitions_pkey PRIMARY KEY (partition, life_id, version),
  CONSTRAINT life_transitions_position_key UNIQUE (partition, "position"),
  CONSTRAINT life_transitions_are_in_their_partition CHECK (partition =
    CASE 1
        WHEN 1 THEN 0
        ELSE (('x'::text || "left"(md5(life_id::text), 7)))::bit(28)::integer % 1
    END),
  CONSTRAINT life_transitions_are_legal CHECK (COALESCE(from_state_type, ''::text) = ''::text AND event = 'Conception'::text AND state_type = 'Gestating'::text
    OR COALESCE(from_state_type, ''::text) = 'Gestating'::text AND event = 'Birth'::text AND state_type = 'Alive'::text
    OR COALESCE(from_state_type, ''::text) = 'Gestating'::text AND event = 'Death'::text AND state_type = 'Dead'::text
    OR COALESCE(from_state_type, ''::text) = 'Alive'::text AND event = 'Death'::text AND state_type = 'Dead'::text),
  CONSTRAINT life_transitions_begin_at_version_1 CHECK ((version = 1) = (from_state_type IS NULL)),
  CONSTRAINT life_transitions_occurred_at_their_moment CHECK (NOT occurred_at IS DISTINCT FROM
    CASE event
        WHEN 'Conception'::text THEN created_at
        WHEN 'Birth'::text THEN born_at
        WHEN 'Death'::text THEN died_at
        ELSE NULL::timestamp with time zone
    END),
  CONSTRAINT life_transitions_position_is_positive CHECK ("position" >= 1)
);

CREATE TABLE lives (
  id uuid NOT NULL,
  version integer NOT NULL,
  state_type text NOT NULL,
  created_at timestamp(3) with time zone NOT NULL,
  updated_at timestamp(3) with time zone NOT NULL,
  born_at timestamp(3) with time zone,
  died_at timestamp(3) with time zone,
  partition integer DEFAULT 0 NOT NULL,
  CONSTRAINT lives_pkey PRIMARY KEY (partition, id),
  CONSTRAINT lives_are_in_their_partition CHECK (partition =
    CASE 1
        WHEN 1 THEN 0
        ELSE (('x'::text || "left"(md5(id::text), 7)))::bit(28)::integer % 1
    END),
  CONSTRAINT lives_state_agrees_with_columns CHECK (
    CASE state_type
        WHEN 'Gestating'::text THEN born_at IS NULL AND died_at IS NULL
        WHEN 'Alive'::text THEN born_at IS NOT NULL AND died_at IS NULL
        WHEN 'Dead'::text THEN died_at IS NOT NULL
        ELSE false
    END),
  CONSTRAINT lives_are_recorded FOREIGN KEY (partition, id, version) REFERENCES life_transitions(partition, life_id, version) DEFERRABLE INITIALLY DEFERRED
);

CREATE INDEX life_transitions_by_event ON life_transitions USING btree (partition, event, "position");

CREATE UNIQUE INDEX life_transitions_idempotency_key ON life_transitions USING btree (partition, life_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE INDEX lives_by_age ON lives USING btree (created_at, id);

CREATE INDEX lives_by_state_and_age ON lives USING btree (state_type, created_at, id);

CREATE OR REPLACE FUNCTION public.ledger_counts_what_was_recorded()
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
          FROM public.life_transitions
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
      END $function$;

CREATE OR REPLACE FUNCTION public.life_transitions_record_what_was_done()
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
          SELECT * FROM public.lives AS record
          WHERE record.partition = recorded.partition AND record.id = recorded.life_id LIMIT 1
        ) AS record ON true
        LEFT JOIN LATERAL (
          SELECT * FROM public.life_transitions AS previous
          WHERE previous.partition = recorded.partition AND previous.life_id = recorded.life_id
            AND previous.version = recorded.previous_version
          LIMIT 1
        ) AS previous ON true
        LEFT JOIN public.ledger AS ledger
          ON ledger.partition = recorded.partition;
        IF wrong IS NOT NULL THEN
          RAISE EXCEPTION 'a transition of Life %', wrong
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
      END $function$;

CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
      BEGIN
        RAISE EXCEPTION '% of % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0]
          USING ERRCODE = 'integrity_constraint_violation';
      END $function$;

CREATE CONSTRAINT TRIGGER ledger_counts_what_was_recorded
  AFTER UPDATE ON ledger DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW
  EXECUTE FUNCTION ledger_counts_what_was_recorded();

CREATE TRIGGER ledger_is_never_deleted
  BEFORE DELETE OR TRUNCATE ON ledger
  FOR EACH STATEMENT
  EXECUTE FUNCTION refuse_change('the ledger of Life is kept for good');

CREATE TRIGGER life_transitions_are_append_only
  BEFORE DELETE OR UPDATE OR TRUNCATE ON life_transitions
  FOR EACH STATEMENT
  EXECUTE FUNCTION refuse_change('the history of Life is append-only');

CREATE TRIGGER life_transitions_record_what_was_done
  AFTER INSERT ON life_transitions REFERENCING NEW TABLE AS recorded
  FOR EACH STATEMENT
  EXECUTE FUNCTION life_transitions_record_what_was_done();

CREATE TRIGGER lives_are_never_deleted
  BEFORE DELETE OR TRUNCATE ON lives
  FOR EACH STATEMENT
  EXECUTE FUNCTION refuse_change('a record of Life is kept for good');

CREATE TRIGGER lives_change_by_transition
  BEFORE UPDATE ON lives
  FOR EACH ROW
  WHEN (new.id <> old.id
  OR new.version <> (old.version + 1))
  EXECUTE FUNCTION refuse_change('a record of Life changes by its next transition only');
