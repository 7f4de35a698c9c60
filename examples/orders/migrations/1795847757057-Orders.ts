/**
 * Written by `npm run migration:generate`: what entities and declarations wanted, and the database lacked. Do not
 * edit a released migration. It imports nothing of ours, because our code goes on changing, and a migration must not.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Orders1795847757057 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const schema = await schemaOf(queryRunner);
    const partitions = await partitionsOf(queryRunner);
    await queryRunner.query(`
      CREATE TABLE order_ledger (
        partition integer DEFAULT 0 NOT NULL,
        "position" bigint NOT NULL,
        counts jsonb NOT NULL,
        CONSTRAINT order_ledger_pkey PRIMARY KEY (partition),
        CONSTRAINT order_ledger_has_this_partition CHECK (partition >= 0 AND partition < ${partitions})
      )`);
    await queryRunner.query(`
      CREATE TABLE order_transitions (
        partition integer DEFAULT 0 NOT NULL,
        order_id uuid NOT NULL,
        version integer NOT NULL,
        previous_version integer GENERATED ALWAYS AS (NULLIF(version - 1, 0)) STORED,
        event text NOT NULL,
        from_state_type text,
        state_type text NOT NULL,
        created_at timestamp(3) with time zone NOT NULL,
        updated_at timestamp(3) with time zone NOT NULL,
        customer text,
        total_cents integer,
        paid_cents integer,
        carrier text,
        tracking_number text,
        reason text,
        placed_at timestamp(3) with time zone,
        paid_at timestamp(3) with time zone,
        shipped_at timestamp(3) with time zone,
        delivered_at timestamp(3) with time zone,
        cancelled_at timestamp(3) with time zone,
        occurred_at timestamp(3) with time zone NOT NULL,
        recorded_at timestamp(3) with time zone NOT NULL,
        "position" bigint NOT NULL,
        actor text,
        idempotency_key text,
        token uuid,
        data jsonb,
        CONSTRAINT order_transitions_pkey PRIMARY KEY (partition, order_id, version),
        CONSTRAINT order_transitions_position_key UNIQUE (partition, "position"),
        CONSTRAINT order_transitions_are_in_their_partition CHECK (
          partition = CASE ${partitions}
            WHEN 1 THEN 0
            ELSE ('x' || left(md5(order_id::text), 7))::bit(28)::integer % ${partitions}
          END
        ),
        CONSTRAINT order_transitions_are_legal CHECK (
          (coalesce(from_state_type, ''), event, state_type) IN (
            ('', 'Drafting', 'Draft'),
            ('Draft', 'Placement', 'Placed'),
            ('Draft', 'Cancellation', 'Cancelled'),
            ('Placed', 'Payment', 'Placed'),
            ('Placed', 'Payment', 'Paid'),
            ('Placed', 'Cancellation', 'Cancelled'),
            ('Paid', 'Shipment', 'Shipped'),
            ('Paid', 'Cancellation', 'Cancelled'),
            ('Shipped', 'Delivery', 'Delivered')
          )
        ),
        CONSTRAINT order_transitions_begin_at_version_1 CHECK ((version = 1) = (from_state_type IS NULL)),
        CONSTRAINT order_transitions_have_their_data CHECK (
          (CASE event
            WHEN 'Placement' THEN data @@ 'strict $."customer".type() == "string" && $."totalCents".type() == "number" && $."totalCents".floor() == $."totalCents" && $."totalCents" >= -2147483648 && $."totalCents" <= 2147483647 && !exists($.keyvalue() ? (@.key != "customer" && @.key != "totalCents"))'
            WHEN 'Payment' THEN data @@ 'strict $."amountCents".type() == "number" && $."amountCents".floor() == $."amountCents" && $."amountCents" >= -2147483648 && $."amountCents" <= 2147483647 && !exists($.keyvalue() ? (@.key != "amountCents"))'
            WHEN 'Shipment' THEN data @@ 'strict $."carrier".type() == "string" && $."trackingNumber".type() == "string" && !exists($.keyvalue() ? (@.key != "carrier" && @.key != "trackingNumber"))'
            WHEN 'Cancellation' THEN data @@ 'strict $."reason".type() == "string" && !exists($.keyvalue() ? (@.key != "reason"))'
            ELSE data IS NULL
          END) IS TRUE
        ),
        CONSTRAINT order_transitions_occurred_at_their_moment CHECK (
          occurred_at IS NOT DISTINCT FROM CASE event
            WHEN 'Drafting' THEN created_at
            WHEN 'Placement' THEN placed_at
            WHEN 'Payment' THEN paid_at
            WHEN 'Shipment' THEN shipped_at
            WHEN 'Delivery' THEN delivered_at
            WHEN 'Cancellation' THEN cancelled_at
          END
        ),
        CONSTRAINT order_transitions_position_is_positive CHECK (position >= 1)
      )`);
    await queryRunner.query(`
      CREATE TABLE orders (
        partition integer DEFAULT 0 NOT NULL,
        id uuid NOT NULL,
        version integer NOT NULL,
        state_type text NOT NULL,
        created_at timestamp(3) with time zone NOT NULL,
        updated_at timestamp(3) with time zone NOT NULL,
        customer text,
        total_cents integer,
        paid_cents integer,
        carrier text,
        tracking_number text,
        reason text,
        placed_at timestamp(3) with time zone,
        paid_at timestamp(3) with time zone,
        shipped_at timestamp(3) with time zone,
        delivered_at timestamp(3) with time zone,
        cancelled_at timestamp(3) with time zone,
        CONSTRAINT orders_pkey PRIMARY KEY (partition, id),
        CONSTRAINT orders_are_in_their_partition CHECK (
          partition = CASE ${partitions}
            WHEN 1 THEN 0
            ELSE ('x' || left(md5(id::text), 7))::bit(28)::integer % ${partitions}
          END
        ),
        CONSTRAINT orders_carrier_is_valid CHECK (char_length(carrier) >= 1 AND char_length(carrier) <= 255),
        CONSTRAINT orders_customer_is_valid CHECK (char_length(customer) >= 1 AND char_length(customer) <= 255),
        CONSTRAINT orders_reason_is_valid CHECK (char_length(reason) >= 1 AND char_length(reason) <= 255),
        CONSTRAINT orders_state_agrees_with_columns CHECK (
          CASE state_type
            WHEN 'Draft' THEN customer IS NULL AND total_cents IS NULL AND paid_cents IS NULL AND carrier IS NULL AND tracking_number IS NULL AND reason IS NULL AND placed_at IS NULL AND paid_at IS NULL AND shipped_at IS NULL AND delivered_at IS NULL AND cancelled_at IS NULL
            WHEN 'Placed' THEN customer IS NOT NULL AND total_cents IS NOT NULL AND paid_cents IS NOT NULL AND carrier IS NULL AND tracking_number IS NULL AND reason IS NULL AND placed_at IS NOT NULL AND shipped_at IS NULL AND delivered_at IS NULL AND cancelled_at IS NULL
            WHEN 'Paid' THEN customer IS NOT NULL AND total_cents IS NOT NULL AND paid_cents IS NOT NULL AND carrier IS NULL AND tracking_number IS NULL AND reason IS NULL AND placed_at IS NOT NULL AND paid_at IS NOT NULL AND shipped_at IS NULL AND delivered_at IS NULL AND cancelled_at IS NULL
            WHEN 'Shipped' THEN customer IS NOT NULL AND total_cents IS NOT NULL AND paid_cents IS NOT NULL AND carrier IS NOT NULL AND tracking_number IS NOT NULL AND reason IS NULL AND placed_at IS NOT NULL AND paid_at IS NOT NULL AND shipped_at IS NOT NULL AND delivered_at IS NULL AND cancelled_at IS NULL
            WHEN 'Delivered' THEN customer IS NOT NULL AND total_cents IS NOT NULL AND paid_cents IS NOT NULL AND carrier IS NOT NULL AND tracking_number IS NOT NULL AND reason IS NULL AND placed_at IS NOT NULL AND paid_at IS NOT NULL AND shipped_at IS NOT NULL AND delivered_at IS NOT NULL AND cancelled_at IS NULL
            WHEN 'Cancelled' THEN carrier IS NULL AND tracking_number IS NULL AND reason IS NOT NULL AND shipped_at IS NULL AND delivered_at IS NULL AND cancelled_at IS NOT NULL
            ELSE false
          END
        ),
        CONSTRAINT orders_total_cents_is_valid CHECK (total_cents >= 1),
        CONSTRAINT orders_tracking_number_is_valid CHECK (
          char_length(tracking_number) >= 1 AND char_length(tracking_number) <= 255
        )
      )`);
    await queryRunner.query(`
      CREATE INDEX order_transitions_by_event ON order_transitions USING btree (partition, event, "position")`);
    await queryRunner.query(`
      CREATE UNIQUE INDEX order_transitions_idempotency_key ON order_transitions USING btree (partition, order_id, idempotency_key) WHERE idempotency_key IS NOT NULL`);
    await queryRunner.query(`CREATE INDEX orders_by_age ON orders USING btree (created_at, id)`);
    await queryRunner.query(`
      CREATE INDEX orders_by_state_and_age ON orders USING btree (state_type, created_at, id)`);
    await queryRunner.query(`
      ALTER TABLE orders
        ADD CONSTRAINT orders_are_recorded FOREIGN KEY (partition, id, version) REFERENCES order_transitions(partition, order_id, version) DEFERRABLE INITIALLY DEFERRED`);
    await queryRunner.query(`
      INSERT INTO order_ledger (partition, position, counts)
      SELECT partition, 0, '{ "Draft": 0, "Placed": 0, "Paid": 0, "Shipped": 0, "Delivered": 0, "Cancelled": 0 }' FROM generate_series(0, ${partitions} - 1) AS partition`);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION order_ledger_counts_what_was_recorded() RETURNS trigger LANGUAGE plpgsql
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
          FROM ${schema}.order_transitions
          CROSS JOIN LATERAL (VALUES (state_type, 1, 0), (from_state_type, 0, 1))
            AS each (state, entered, departed)
          WHERE partition = new.partition AND position > old.position AND position <= new.position
            AND state IS NOT NULL
          GROUP BY state
        ) AS sums;
        IF size < 1 OR size <> new.position - old.position THEN
          RAISE EXCEPTION 'the ledger of Order moved from % to %, which is not what was recorded',
            old.position, new.position USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        -- As text: 1.0 is equal to 1, and yet no count.
        IF new.counts::text <> (old.counts || expected)::text THEN
          RAISE EXCEPTION 'the counts of the ledger of Order changed from % to %, which is not what was recorded',
            old.counts, new.counts USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
      END $$`);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION order_transitions_record_what_was_done() RETURNS trigger LANGUAGE plpgsql
      SET enable_seqscan = off AS $$
      DECLARE
        wrong text;
      BEGIN
        SELECT max(CASE
          WHEN (record.version, record.state_type, record.created_at, record.updated_at,
                record.customer, record.total_cents, record.paid_cents, record.carrier,
                record.tracking_number, record.reason, record.placed_at, record.paid_at,
                record.shipped_at, record.delivered_at, record.cancelled_at)
            IS DISTINCT FROM
               (recorded.version, recorded.state_type, recorded.created_at,
                recorded.updated_at, recorded.customer, recorded.total_cents,
                recorded.paid_cents, recorded.carrier, recorded.tracking_number,
                recorded.reason, recorded.placed_at, recorded.paid_at, recorded.shipped_at,
                recorded.delivered_at, recorded.cancelled_at)
            THEN 'differs from its record'
          -- Of a first version there is no previous one, and it comes from no state.
          WHEN previous.state_type IS DISTINCT FROM recorded.from_state_type
            THEN 'does not follow the one before'
          WHEN previous.created_at <> recorded.created_at THEN 'changes created_at'
          WHEN previous.customer IS DISTINCT FROM recorded.customer AND recorded.event <> 'Placement'
            THEN 'changes customer, which is not set by ' || recorded.event
          WHEN previous.total_cents IS DISTINCT FROM recorded.total_cents AND recorded.event <> 'Placement'
            THEN 'changes total_cents, which is not set by ' || recorded.event
          WHEN previous.paid_cents IS DISTINCT FROM recorded.paid_cents AND recorded.event NOT IN ('Placement', 'Payment')
            THEN 'changes paid_cents, which is not set by ' || recorded.event
          WHEN previous.carrier IS DISTINCT FROM recorded.carrier AND recorded.event <> 'Shipment'
            THEN 'changes carrier, which is not set by ' || recorded.event
          WHEN previous.tracking_number IS DISTINCT FROM recorded.tracking_number AND recorded.event <> 'Shipment'
            THEN 'changes tracking_number, which is not set by ' || recorded.event
          WHEN previous.reason IS DISTINCT FROM recorded.reason AND recorded.event <> 'Cancellation'
            THEN 'changes reason, which is not set by ' || recorded.event
          WHEN previous.placed_at IS DISTINCT FROM recorded.placed_at AND recorded.event <> 'Placement'
            THEN 'changes placed_at, which is not set by ' || recorded.event
          WHEN previous.paid_at IS DISTINCT FROM recorded.paid_at AND recorded.event <> 'Payment'
            THEN 'changes paid_at, which is not set by ' || recorded.event
          WHEN previous.shipped_at IS DISTINCT FROM recorded.shipped_at AND recorded.event <> 'Shipment'
            THEN 'changes shipped_at, which is not set by ' || recorded.event
          WHEN previous.delivered_at IS DISTINCT FROM recorded.delivered_at AND recorded.event <> 'Delivery'
            THEN 'changes delivered_at, which is not set by ' || recorded.event
          WHEN previous.cancelled_at IS DISTINCT FROM recorded.cancelled_at AND recorded.event <> 'Cancellation'
            THEN 'changes cancelled_at, which is not set by ' || recorded.event
          WHEN previous.occurred_at > recorded.occurred_at THEN 'occurred before the one that it follows'
          WHEN previous.position > recorded.position THEN 'has a position before the one that it follows'
          WHEN recorded.position > ledger.position THEN 'has a position beyond the ledger'
        END)
        INTO wrong
        FROM recorded
        LEFT JOIN LATERAL (
          SELECT * FROM ${schema}.orders AS record
          WHERE record.partition = recorded.partition AND record.id = recorded.order_id LIMIT 1
        ) AS record ON true
        LEFT JOIN LATERAL (
          SELECT * FROM ${schema}.order_transitions AS previous
          WHERE previous.partition = recorded.partition AND previous.order_id = recorded.order_id
            AND previous.version = recorded.previous_version
          LIMIT 1
        ) AS previous ON true
        LEFT JOIN ${schema}.order_ledger AS ledger
          ON ledger.partition = recorded.partition;
        IF wrong IS NOT NULL THEN
          RAISE EXCEPTION 'a transition of Order %', wrong
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
      END $$`);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% of % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0]
          USING ERRCODE = 'integrity_constraint_violation';
      END $$`);
    await queryRunner.query(`
      CREATE CONSTRAINT TRIGGER order_ledger_counts_what_was_recorded
        AFTER UPDATE ON order_ledger
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION order_ledger_counts_what_was_recorded()`);
    await queryRunner.query(`
      CREATE TRIGGER order_ledger_is_never_deleted
        BEFORE DELETE OR TRUNCATE ON order_ledger
        EXECUTE FUNCTION refuse_change('the ledger of Order is kept for good')`);
    await queryRunner.query(`
      CREATE TRIGGER order_transitions_are_append_only
        BEFORE UPDATE OR DELETE OR TRUNCATE ON order_transitions
        EXECUTE FUNCTION refuse_change('the history of Order is append-only')`);
    await queryRunner.query(`
      CREATE TRIGGER order_transitions_record_what_was_done
        AFTER INSERT ON order_transitions
        REFERENCING NEW TABLE AS recorded
        EXECUTE FUNCTION order_transitions_record_what_was_done()`);
    await queryRunner.query(`
      CREATE TRIGGER orders_are_never_deleted
        BEFORE DELETE OR TRUNCATE ON orders
        EXECUTE FUNCTION refuse_change('a record of Order is kept for good')`);
    await queryRunner.query(`
      CREATE TRIGGER orders_change_by_transition
        BEFORE UPDATE ON orders
        FOR EACH ROW
        WHEN (new.id <> old.id OR new.version <> old.version + 1)
        EXECUTE FUNCTION refuse_change('a record of Order changes by its next transition only')`);
    await queryRunner.query(`
      INSERT INTO typeorm_metadata (type, database, schema, "table", name, value)
      VALUES ('GENERATED_COLUMN', current_database(), current_schema(),
              'order_transitions', 'previous_version', 'nullif(version - 1, 0)')`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE orders DROP CONSTRAINT orders_are_recorded`);
    await queryRunner.query(`DROP TABLE order_ledger`);
    await queryRunner.query(`DROP TABLE order_transitions`);
    await queryRunner.query(`DROP TABLE orders`);
    await queryRunner.query(`DROP FUNCTION order_ledger_counts_what_was_recorded`);
    await queryRunner.query(`DROP FUNCTION order_transitions_record_what_was_done`);
    await queryRunner.query(`DROP FUNCTION refuse_change`);
    await queryRunner.query(`
      DELETE FROM typeorm_metadata
      WHERE type = 'GENERATED_COLUMN' AND schema = current_schema()
        AND "table" = 'order_transitions' AND name = 'previous_version'`);
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
