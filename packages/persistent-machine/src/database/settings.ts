/**
 * What PostgreSQL's settings must be for our statements to mean what they say, whatever a role, a database or a
 * URL brings along: the one list. Does not know the statements, nor who connects.
 */

interface Setting {
  readonly name: string;
  readonly value: string;
  /** Other values that do as well, as a regular expression of PostgreSQL's. */
  readonly fine?: string;
  /** true: with another value something would be wrong, and not only slower or later. */
  readonly isVital?: true;
}

/** The ways to read rows that the statements were written for: with one of them off, a plan is slow beyond measure. */
const WAYS = [
  ...['bitmapscan', 'hashjoin', 'indexonlyscan', 'indexscan', 'material', 'mergejoin', 'nestloop'],
  ...['seqscan', 'sort', 'tidscan'],
];

const SETTINGS: readonly Setting[] = [
  // The driver reads dates in this style only.
  { name: 'DateStyle', value: 'ISO', fine: '^ISO', isVital: true },
  { name: 'IntervalStyle', value: 'postgres' },
  { name: 'TimeZone', value: 'UTC' },
  { name: 'client_encoding', value: 'UTF8', isVital: true },
  { name: 'bytea_output', value: 'hex' },
  // Arrays of parameters have nulls.
  { name: 'array_nulls', value: 'on', isVital: true },
  { name: 'standard_conforming_strings', value: 'on', isVital: true },
  { name: 'transform_null_equals', value: 'off' },
  { name: 'quote_all_identifiers', value: 'off' },
  // A compare-and-swap looks again at the row that it has waited for.
  { name: 'default_transaction_isolation', value: 'read committed', isVital: true },
  { name: 'default_transaction_deferrable', value: 'off' },
  // What is acknowledged survives a crash. Whether it also is on a standby by then is for the operator to say.
  {
    name: 'synchronous_commit',
    value: 'on',
    fine: '^(on|local|remote_write|remote_apply)$',
    isVital: true,
  },
  // Every statement is written so that one plan does for all values: none is planned for each anew.
  { name: 'plan_cache_mode', value: 'force_generic_plan' },
  ...WAYS.map((way) => ({ name: `enable_${way}`, value: 'on' })),
  // To compile one of them takes longer than to run it.
  { name: 'jit', value: 'off' },
  // The time limit of statements bounds these, too, and a migration has none.
  { name: 'lock_timeout', value: '0' },
  { name: 'transaction_timeout', value: '0' },
  // The pool decides how long an idle connection is kept.
  { name: 'idle_session_timeout', value: '0' },
];

const ROWS = SETTINGS.map(({ name, value, fine = `^${value}$`, isVital = false }) => {
  const texts = [name, value, fine].map((text) => `'${text}'`);
  return `(${[...texts, String(isVital)].join(', ')})`;
}).join(', ');

/** Of a version that lacks a setting, it is null, and so is the comparison: then there is nothing to do. */
const OTHERWISE = `
FROM (VALUES ${ROWS}) AS needed (name, value, fine, is_vital)
WHERE current_setting(needed.name, true) !~ needed.fine`;

/**
 * As PostgreSQL's command line has it, for the packet that starts a session: a standby refuses every statement of a
 * session whose transactions are serializable, also the one that says the settings.
 */
export const FIRST_SETTING = '-c default_transaction_isolation=read\\ committed';

/** Makes all of them so for a session, in one statement. */
export const SAY_SETTINGS = `SELECT set_config(needed.name, needed.value, false)${OTHERWISE}`;

/** For a pooler in transaction mode, whose sessions are not ours to change: which of them are wrong. */
export const WRONG_SETTINGS = `
SELECT needed.name, needed.value AS wanted, current_setting(needed.name) AS found${OTHERWISE}
AND needed.is_vital`;
