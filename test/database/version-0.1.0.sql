-- A database as version 0.1.0 left it: lives in each state, by its own store. Made by pg_dump --inserts --no-owner
-- --no-privileges, without its comments and psql's own commands.


SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE FUNCTION public.ledger_counts_what_was_recorded() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
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
      END $$;

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
      BEGIN
        RAISE EXCEPTION '% of % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0]
          USING ERRCODE = 'integrity_constraint_violation';
      END $$;

CREATE FUNCTION public.transitions_record_what_was_done() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
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
          SELECT * FROM public.lives WHERE lives.id = recorded.life_id LIMIT 1
        ) AS lives ON true
        LEFT JOIN LATERAL (
          SELECT * FROM public.life_transitions
          WHERE life_id = recorded.life_id AND version = recorded.previous_version
          LIMIT 1
        ) AS previous ON true
        LEFT JOIN public.ledger ON ledger.singleton;
        IF wrong IS NOT NULL THEN
          RAISE EXCEPTION '%', wrong USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
      END $$;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE public.ledger (
    singleton boolean DEFAULT true NOT NULL,
    "position" bigint NOT NULL,
    counts jsonb NOT NULL,
    CONSTRAINT ledger_is_one_row CHECK (singleton)
);

CREATE TABLE public.life_transitions (
    life_id uuid NOT NULL,
    version integer NOT NULL,
    previous_version integer GENERATED ALWAYS AS (NULLIF((version - 1), 0)) STORED,
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
    CONSTRAINT life_transitions_are_legal CHECK ((((((COALESCE(from_state_type, ''::text) = ''::text) AND (event = 'Conception'::text) AND (state_type = 'Gestating'::text)) OR ((COALESCE(from_state_type, ''::text) = 'Gestating'::text) AND (event = 'Birth'::text) AND (state_type = 'Alive'::text))) OR ((COALESCE(from_state_type, ''::text) = 'Gestating'::text) AND (event = 'Death'::text) AND (state_type = 'Dead'::text))) OR ((COALESCE(from_state_type, ''::text) = 'Alive'::text) AND (event = 'Death'::text) AND (state_type = 'Dead'::text)))),
    CONSTRAINT life_transitions_begin_at_version_1 CHECK (((version = 1) = (from_state_type IS NULL))),
    CONSTRAINT life_transitions_occurred_as_the_life_says CHECK ((NOT (occurred_at IS DISTINCT FROM
CASE event
    WHEN 'Conception'::text THEN created_at
    WHEN 'Birth'::text THEN born_at
    WHEN 'Death'::text THEN died_at
    ELSE NULL::timestamp with time zone
END))),
    CONSTRAINT life_transitions_position_is_positive CHECK (("position" >= 1))
);

CREATE TABLE public.lives (
    id uuid NOT NULL,
    version integer NOT NULL,
    state_type text NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    updated_at timestamp(3) with time zone NOT NULL,
    born_at timestamp(3) with time zone,
    died_at timestamp(3) with time zone,
    CONSTRAINT lives_happen_in_order CHECK (((born_at >= created_at) AND (died_at >= COALESCE(born_at, created_at)))),
    CONSTRAINT lives_state_agrees_with_timestamps CHECK (
CASE state_type
    WHEN 'Gestating'::text THEN ((born_at IS NULL) AND (died_at IS NULL))
    WHEN 'Alive'::text THEN ((born_at IS NOT NULL) AND (died_at IS NULL))
    WHEN 'Dead'::text THEN (died_at IS NOT NULL)
    ELSE false
END)
);

CREATE TABLE public.migrations (
    id integer NOT NULL,
    "timestamp" bigint NOT NULL,
    name character varying NOT NULL
);

CREATE SEQUENCE public.migrations_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.migrations_id_seq OWNED BY public.migrations.id;

CREATE TABLE public.typeorm_metadata (
    type character varying NOT NULL,
    database character varying,
    schema character varying,
    "table" character varying,
    name character varying,
    value text
);

ALTER TABLE ONLY public.migrations ALTER COLUMN id SET DEFAULT nextval('public.migrations_id_seq'::regclass);

INSERT INTO public.ledger VALUES (true, 13, '{"Dead": 3, "Alive": 2, "Gestating": 1}');

INSERT INTO public.life_transitions VALUES ('0199a000-0000-7000-8000-000000000001', 1, DEFAULT, 'Conception', NULL, 'Gestating', '2026-03-01 10:00:00.123+00', '2026-03-01 10:00:00.123+00', NULL, NULL, '2026-03-01 10:00:00.123+00', '2026-03-01 10:00:00.123+00', 1, NULL, NULL, NULL);
INSERT INTO public.life_transitions VALUES ('0199a000-0000-7000-8000-000000000002', 1, DEFAULT, 'Conception', NULL, 'Gestating', '2026-03-01 10:01:00.123+00', '2026-03-01 10:01:00.123+00', NULL, NULL, '2026-03-01 10:01:00.123+00', '2026-03-01 10:01:00.123+00', 2, 'midwife', NULL, NULL);
INSERT INTO public.life_transitions VALUES ('0199a000-0000-7000-8000-000000000003', 1, DEFAULT, 'Conception', NULL, 'Gestating', '2026-03-01 10:02:00.123+00', '2026-03-01 10:02:00.123+00', NULL, NULL, '2026-03-01 10:02:00.123+00', '2026-03-01 10:02:00.123+00', 3, NULL, NULL, NULL);
INSERT INTO public.life_transitions VALUES ('0199a000-0000-7000-8000-000000000004', 1, DEFAULT, 'Conception', NULL, 'Gestating', '2026-03-01 10:03:00.123+00', '2026-03-01 10:03:00.123+00', NULL, NULL, '2026-03-01 10:03:00.123+00', '2026-03-01 10:03:00.123+00', 4, NULL, NULL, NULL);
INSERT INTO public.life_transitions VALUES ('0199a000-0000-7000-8000-000000000005', 1, DEFAULT, 'Conception', NULL, 'Gestating', '2026-03-01 10:04:00.123+00', '2026-03-01 10:04:00.123+00', NULL, NULL, '2026-03-01 10:04:00.123+00', '2026-03-01 10:04:00.123+00', 5, NULL, NULL, NULL);
INSERT INTO public.life_transitions VALUES ('0199a000-0000-7000-8000-000000000006', 1, DEFAULT, 'Conception', NULL, 'Gestating', '2026-03-01 10:05:00.123+00', '2026-03-01 10:05:00.123+00', NULL, NULL, '2026-03-01 10:05:00.123+00', '2026-03-01 10:05:00.123+00', 6, NULL, NULL, NULL);
INSERT INTO public.life_transitions VALUES ('0199a000-0000-7000-8000-000000000002', 2, DEFAULT, 'Birth', 'Gestating', 'Alive', '2026-03-01 10:01:00.123+00', '2026-03-01 10:06:00.123+00', '2026-03-01 10:06:00.123+00', NULL, '2026-03-01 10:06:00.123+00', '2026-03-01 10:06:00.123+00', 7, NULL, NULL, '5b735384-f2b5-4f5a-af63-8d961da78f03');
INSERT INTO public.life_transitions VALUES ('0199a000-0000-7000-8000-000000000003', 2, DEFAULT, 'Birth', 'Gestating', 'Alive', '2026-03-01 10:02:00.123+00', '2026-03-01 10:07:00.123+00', '2026-03-01 10:06:30.123+00', NULL, '2026-03-01 10:06:30.123+00', '2026-03-01 10:07:00.123+00', 8, 'midwife', 'birth of the third', '8967efcd-d855-4e4d-95fb-09eb27285f93');
INSERT INTO public.life_transitions VALUES ('0199a000-0000-7000-8000-000000000004', 2, DEFAULT, 'Birth', 'Gestating', 'Alive', '2026-03-01 10:03:00.123+00', '2026-03-01 10:08:00.123+00', '2026-03-01 10:08:00.123+00', NULL, '2026-03-01 10:08:00.123+00', '2026-03-01 10:08:00.123+00', 9, NULL, NULL, '2bcd9b45-3447-4c5d-9ee1-dbcf46f11098');
INSERT INTO public.life_transitions VALUES ('0199a000-0000-7000-8000-000000000004', 3, DEFAULT, 'Death', 'Alive', 'Dead', '2026-03-01 10:03:00.123+00', '2026-03-01 10:09:00.123+00', '2026-03-01 10:08:00.123+00', '2026-03-01 10:09:00.123+00', '2026-03-01 10:09:00.123+00', '2026-03-01 10:09:00.123+00', 10, 'fate', NULL, '7770747d-4ff2-40f8-8564-e7bd50ef6ad4');
INSERT INTO public.life_transitions VALUES ('0199a000-0000-7000-8000-000000000005', 2, DEFAULT, 'Death', 'Gestating', 'Dead', '2026-03-01 10:04:00.123+00', '2026-03-01 10:10:00.123+00', NULL, '2026-03-01 10:10:00.123+00', '2026-03-01 10:10:00.123+00', '2026-03-01 10:10:00.123+00', 11, 'fate', NULL, 'c49ff2b1-2118-439c-b450-5300c5893186');
INSERT INTO public.life_transitions VALUES ('0199a000-0000-7000-8000-000000000006', 2, DEFAULT, 'Birth', 'Gestating', 'Alive', '2026-03-01 10:05:00.123+00', '2026-03-01 10:11:00.123+00', '2026-03-01 10:11:00.123+00', NULL, '2026-03-01 10:11:00.123+00', '2026-03-01 10:11:00.123+00', 12, NULL, NULL, '6d3c9d76-fbfc-43ec-8b80-9fb0b1b26039');
INSERT INTO public.life_transitions VALUES ('0199a000-0000-7000-8000-000000000006', 3, DEFAULT, 'Death', 'Alive', 'Dead', '2026-03-01 10:05:00.123+00', '2026-03-01 10:11:00.123+00', '2026-03-01 10:11:00.123+00', '2026-03-01 10:11:00.123+00', '2026-03-01 10:11:00.123+00', '2026-03-01 10:11:00.123+00', 13, NULL, NULL, '1210997c-d283-4c2f-94ac-c1af861115c7');

INSERT INTO public.lives VALUES ('0199a000-0000-7000-8000-000000000001', 1, 'Gestating', '2026-03-01 10:00:00.123+00', '2026-03-01 10:00:00.123+00', NULL, NULL);
INSERT INTO public.lives VALUES ('0199a000-0000-7000-8000-000000000002', 2, 'Alive', '2026-03-01 10:01:00.123+00', '2026-03-01 10:06:00.123+00', '2026-03-01 10:06:00.123+00', NULL);
INSERT INTO public.lives VALUES ('0199a000-0000-7000-8000-000000000003', 2, 'Alive', '2026-03-01 10:02:00.123+00', '2026-03-01 10:07:00.123+00', '2026-03-01 10:06:30.123+00', NULL);
INSERT INTO public.lives VALUES ('0199a000-0000-7000-8000-000000000004', 3, 'Dead', '2026-03-01 10:03:00.123+00', '2026-03-01 10:09:00.123+00', '2026-03-01 10:08:00.123+00', '2026-03-01 10:09:00.123+00');
INSERT INTO public.lives VALUES ('0199a000-0000-7000-8000-000000000005', 2, 'Dead', '2026-03-01 10:04:00.123+00', '2026-03-01 10:10:00.123+00', NULL, '2026-03-01 10:10:00.123+00');
INSERT INTO public.lives VALUES ('0199a000-0000-7000-8000-000000000006', 3, 'Dead', '2026-03-01 10:05:00.123+00', '2026-03-01 10:11:00.123+00', '2026-03-01 10:11:00.123+00', '2026-03-01 10:11:00.123+00');

INSERT INTO public.migrations VALUES (1, 1764000000000, 'Lives1764000000000');

INSERT INTO public.typeorm_metadata VALUES ('GENERATED_COLUMN', 'before', 'public', 'life_transitions', 'previous_version', 'nullif(version - 1, 0)');

SELECT pg_catalog.setval('public.migrations_id_seq', 1, true);

ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT "PK_8c82d7f526340ab734260ea46be" PRIMARY KEY (id);

ALTER TABLE ONLY public.ledger
    ADD CONSTRAINT ledger_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.life_transitions
    ADD CONSTRAINT life_transitions_pkey PRIMARY KEY (life_id, version);

ALTER TABLE ONLY public.life_transitions
    ADD CONSTRAINT life_transitions_position_key UNIQUE ("position");

ALTER TABLE ONLY public.lives
    ADD CONSTRAINT lives_pkey PRIMARY KEY (id);

CREATE INDEX life_transitions_by_event ON public.life_transitions USING btree (event, "position");

CREATE UNIQUE INDEX life_transitions_idempotency_key ON public.life_transitions USING btree (life_id, idempotency_key) WHERE (idempotency_key IS NOT NULL);

CREATE INDEX lives_by_age ON public.lives USING btree (created_at, id);

CREATE INDEX lives_by_state_and_age ON public.lives USING btree (state_type, created_at, id);

CREATE CONSTRAINT TRIGGER ledger_counts_what_was_recorded AFTER UPDATE ON public.ledger DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.ledger_counts_what_was_recorded();

CREATE TRIGGER ledger_is_never_deleted BEFORE DELETE OR TRUNCATE ON public.ledger FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change('it is one row for good');

CREATE TRIGGER life_transitions_are_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.life_transitions FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change('history is append-only');

CREATE TRIGGER lives_are_never_deleted BEFORE DELETE OR TRUNCATE ON public.lives FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change('a life ends by dying');

CREATE TRIGGER lives_change_by_transition BEFORE UPDATE ON public.lives FOR EACH ROW WHEN (((new.id <> old.id) OR (new.version <> (old.version + 1)))) EXECUTE FUNCTION public.refuse_change('a life changes by its next transition only');

CREATE TRIGGER transitions_record_what_was_done AFTER INSERT ON public.life_transitions REFERENCING NEW TABLE AS recorded FOR EACH STATEMENT EXECUTE FUNCTION public.transitions_record_what_was_done();

ALTER TABLE ONLY public.lives
    ADD CONSTRAINT lives_are_recorded FOREIGN KEY (id, version) REFERENCES public.life_transitions(life_id, version) DEFERRABLE INITIALLY DEFERRED;

