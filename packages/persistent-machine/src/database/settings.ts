/**
 * The settings that our statements need, whatever a role, a database or a URL sets. It knows neither the statements nor
 * the connections.
 */

interface Setting {
  readonly name: string;
  readonly value: string;
  /** The value in a database with Citus, if it is another one. */
  readonly valueWithCitus?: string;
  /** The values that are good enough, as a regular expression of PostgreSQL. */
  readonly fine?: string;
  /** With another value, results would be wrong, not only slow. */
  readonly isVital?: true;
}

/** The planner methods that our statements need: without one of them, some plans would be extremely slow. */
const PLANNER_METHODS = [
  ...['bitmapscan', 'hashjoin', 'indexonlyscan', 'indexscan', 'material', 'mergejoin', 'nestloop'],
  ...['seqscan', 'sort', 'tidscan'],
];

const SETTINGS: readonly Setting[] = [
  // The driver parses dates in this style only.
  { name: 'DateStyle', value: 'ISO', fine: '^ISO', isVital: true },
  { name: 'IntervalStyle', value: 'postgres' },
  { name: 'TimeZone', value: 'UTC' },
  { name: 'client_encoding', value: 'UTF8', isVital: true },
  { name: 'bytea_output', value: 'hex' },
  // Parameters are arrays that may hold nulls.
  { name: 'array_nulls', value: 'on', isVital: true },
  { name: 'standard_conforming_strings', value: 'on', isVital: true },
  { name: 'transform_null_equals', value: 'off' },
  { name: 'quote_all_identifiers', value: 'off' },
  // After a wait for a lock, a compare-and-swap must see the row's new version.
  { name: 'default_transaction_isolation', value: 'read committed', isVital: true },
  { name: 'default_transaction_deferrable', value: 'off' },
  // An acknowledged change survives a crash. Whether a standby must have it, too, is for the operator to decide.
  {
    name: 'synchronous_commit',
    value: 'on',
    fine: '^(on|local|remote_write|remote_apply)$',
    isVital: true,
  },
  // Each statement has a plan that suits all values, so PostgreSQL need not plan it again for each execution.
  // Citus finds no generic plan for most statements, and then fails.
  { name: 'plan_cache_mode', value: 'force_generic_plan', valueWithCitus: 'auto' },
  ...PLANNER_METHODS.map((method) => ({ name: `enable_${method}`, value: 'on' })),
  // Compiling a statement takes longer than running it.
  { name: 'jit', value: 'off' },
  // statement_timeout bounds these, too; and a migration must not have a limit.
  { name: 'lock_timeout', value: '0' },
  { name: 'transaction_timeout', value: '0' },
  // The pool decides how long to keep an idle connection.
  { name: 'idle_session_timeout', value: '0' },
];

const ROWS = SETTINGS.flatMap(({ name, value, valueWithCitus, fine, isVital = false }) => {
  const row = (wanted: string, withCitus: string): string => {
    const texts = [name, wanted, fine ?? `^${wanted}$`].map((text) => `'${text}'`);
    return `(${[...texts, String(isVital), withCitus].join(', ')})`;
  };
  return valueWithCitus === undefined
    ? row(value, 'NULL::boolean')
    : [row(value, 'false'), row(valueWithCitus, 'true')];
}).join(', ');

/** An SQL condition: the database has the extension Citus, which distributes tables over nodes. */
export const HAS_CITUS = `to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL`;

/** A setting that this version of PostgreSQL lacks is null, and so is the comparison: the row is left out. */
const DIFFERING = `
FROM (VALUES ${ROWS}) AS needed (name, value, fine, is_vital, with_citus)
WHERE current_setting(needed.name, true) !~ needed.fine
AND (needed.with_citus IS NULL OR needed.with_citus = (${HAS_CITUS}))`;

/**
 * For the start-up packet, as a command-line option: a standby refuses every statement of a session whose transactions
 * are serializable, also the one that applies the settings.
 */
export const STARTUP_OPTION = '-c default_transaction_isolation=read\\ committed';

/** Applies all settings to a session, in one statement. */
export const APPLY_SETTINGS = `SELECT set_config(needed.name, needed.value, false)${DIFFERING}`;

/** Finds the vital settings that are wrong, for a pooler in transaction mode, whose sessions we cannot change. */
export const WRONG_SETTINGS = `
SELECT needed.name, needed.value AS wanted, current_setting(needed.name) AS found${DIFFERING}
AND needed.is_vital`;
