/**
 * Distributes tables over the nodes of a Citus cluster by their column `partition`, so that each partition is on one
 * node. Whether there is a cluster, the database says. It knows no particular table.
 */
import type { Ask } from './ask';
import { UnusableDatabase } from './failures';
import { quoted } from './identifiers';
import { HAS_CITUS } from './settings';

interface Table {
  readonly name: string;
  readonly isDistributed: boolean;
}

/** Whether the database has the extension Citus. */
export async function hasCitus(ask: Ask): Promise<boolean> {
  const [row] = await ask<{ has: boolean }>(`SELECT ${HAS_CITUS} AS has`);
  return row?.has === true;
}

/** The tables $2 of the schema $1 whose key begins with the partition. */
const PARTITIONED = `
SELECT relname::text AS name,
       EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = relation.oid) AS "isDistributed"
FROM pg_class AS relation
JOIN pg_constraint ON conrelid = relation.oid AND contype = 'p'
JOIN pg_attribute ON attrelid = relation.oid AND attnum = conkey[1] AND attname = 'partition'
WHERE relnamespace = to_regnamespace(quote_ident($1)) AND relname = ANY ($2::text[])
ORDER BY relname`;

/**
 * Whether Citus has distributed the tables. In a database with the extension, tables that were made before it are local
 * until migrations run.
 *
 * @param tables names
 * @throws UnusableDatabase if only some of them are distributed
 */
export async function areDistributed(
  ask: Ask,
  schema: string,
  tables: readonly string[],
): Promise<boolean> {
  if (!(await hasCitus(ask))) return false;
  const partitioned = await ask<Table>(PARTITIONED, [schema, tables]);
  const local = partitioned.filter(({ isDistributed }) => !isDistributed).map(({ name }) => name);
  if (local.length === partitioned.length) return false;
  if (local.length === 0) return true;
  throw new UnusableDatabase(
    `Citus has distributed only some tables of the schema ${schema}, and not ${local.join(', ')}. Run ` +
      'npm run migration:run, which distributes them.',
  );
}

const TRIGGERS = `
SELECT tgname::text AS name, relname::text AS "table"
FROM pg_trigger JOIN pg_class AS relation ON relation.oid = tgrelid
WHERE relnamespace = to_regnamespace(quote_ident($1)) AND relname = ANY ($2::text[]) AND NOT tgisinternal`;

const FOREIGN_KEYS = `
SELECT conname::text AS name, relname::text AS "table", pg_get_constraintdef(pg_constraint.oid) AS definition
FROM pg_constraint JOIN pg_class AS relation ON relation.oid = conrelid
WHERE contype = 'f' AND relnamespace = to_regnamespace(quote_ident($1)) AND relname = ANY ($2::text[])`;

/** A trigger is made, dropped, or switched on or off. */
const ABOUT_TRIGGER =
  /^\s*(?:CREATE\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?TRIGGER|DROP\s+TRIGGER|ALTER\s+TABLE\s+\S+\s+(?:ENABLE|DISABLE)(?:\s+ALWAYS|\s+REPLICA)?\s+TRIGGER)\b/i;

/**
 * Citus assigns a partition to a shard by its hash, and shards to nodes in turns. So with as many shards as partitions,
 * some shards get several and others none. This finds the number of shards that spreads $1 partitions best over the
 * present nodes, then over shards, which can move to nodes that come later. Of equal numbers the smallest, since a
 * reading of all partitions asks every shard.
 */
const SHARDS = `
WITH assigned AS (
  SELECT shards, floor((hashint4(partition)::bigint + 2147483648) * shards / 4294967296)::integer AS shard
  FROM generate_series(0, $1::integer - 1) AS partition, generate_series($1::integer, 4 * $1::integer) AS shards
),
node AS (
  SELECT greatest(count(*), 1) AS number FROM pg_dist_node
  WHERE isactive AND shouldhaveshards AND noderole = 'primary'
)
SELECT shards
FROM (
  SELECT shards, count(*) OVER (PARTITION BY shards, shard % node.number) AS on_node,
         count(*) OVER (PARTITION BY shards, shard) AS in_shard
  FROM assigned CROSS JOIN node
) AS crowd
GROUP BY shards ORDER BY max(on_node), max(in_shard), shards LIMIT 1`;

/** Whether a statement of a migration is left out in a cluster, because Citus takes no triggers. */
export function isAboutTrigger(statement: string): boolean {
  return ABOUT_TRIGGER.test(statement);
}

/** Drops the triggers of tables that will be distributed. */
export async function dropTriggers(
  ask: Ask,
  schema: string,
  tables: readonly string[],
): Promise<void> {
  const partitioned = await ask<Table>(PARTITIONED, [schema, tables]);
  const names = partitioned.map(({ name }) => name);
  for (const { table, name } of await ask<{ table: string; name: string }>(TRIGGERS, [
    schema,
    names,
  ])) {
    await ask(`DROP TRIGGER ${quoted(name)} ON ${quoted(schema)}.${quoted(table)}`);
  }
}

/**
 * Distributes the tables that are not distributed yet. Their rows move to the nodes.
 *
 * @param ask in a transaction
 * @param tables names; only tables whose key begins with `partition` are distributed
 * @param partitions how many there are
 */
export async function distribute(
  ask: Ask,
  schema: string,
  tables: readonly string[],
  partitions: number,
): Promise<void> {
  const partitioned = await ask<Table>(PARTITIONED, [schema, tables]);
  const local = partitioned.filter(({ isDistributed }) => !isDistributed).map(({ name }) => name);
  if (local.length === 0) return;
  const inSchema = (name: string): string => `${quoted(schema)}.${quoted(name)}`;
  const foreignKeys = await ask<{ table: string; name: string; definition: string }>(FOREIGN_KEYS, [
    schema,
    local,
  ]);
  for (const { table, name } of foreignKeys) {
    await ask(`ALTER TABLE ${inSchema(table)} DROP CONSTRAINT ${quoted(name)}`);
  }
  const [best] = await ask<{ shards: number }>(SHARDS, [partitions]);
  let model = partitioned.find(({ isDistributed }) => isDistributed)?.name;
  for (const name of local) {
    await (model === undefined
      ? ask(
          `SELECT create_distributed_table($1, 'partition', colocate_with => 'none', shard_count => $2)`,
          [inSchema(name), best?.shards],
        )
      : ask(`SELECT create_distributed_table($1, 'partition', colocate_with => $2)`, [
          inSchema(name),
          inSchema(model),
        ]));
    model ??= name;
    // What was copied to the nodes stays here otherwise, and no statement sees it.
    await ask('SELECT truncate_local_data_after_distributing_table($1)', [inSchema(name)]);
    // The nodes do not know yet how few rows a ledger has.
    await ask(`ANALYZE ${inSchema(name)}`);
  }
  for (const { table, name, definition } of foreignKeys) {
    await ask(`ALTER TABLE ${inSchema(table)} ADD CONSTRAINT ${quoted(name)} ${definition}`);
  }
}
