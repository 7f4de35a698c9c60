/** The CHECKs of a machine's tables, which concern one row at a time. Rules between rows are for triggers. */
import { PARTITIONS } from './described';
import { checked, identifier, literal, literals } from './names';
import { dataRuleOf, ruleOf } from './rules';
import type { Shape } from './shape';

export interface NamedCheck {
  readonly name: string;
  /** An SQL condition. */
  readonly expression: string;
}

/** The CHECKs of the table of records. */
export function recordChecks(shape: Shape): NamedCheck[] {
  return [
    { name: `${shape.records}_are_in_their_partition`, expression: isInItsPartition('id') },
    { name: `${shape.records}_state_agrees_with_columns`, expression: stateAgrees(shape) },
    ...shape.columns.flatMap(({ name, rules }) => {
      const expression = ruleOf(name, rules);
      return expression === undefined ? [] : { name: validityOf(shape, name), expression };
    }),
  ].map(withCheckedName);
}

/** The name of the CHECK of a column's rules. */
export function validityOf({ records }: Shape, column: string): string {
  return `${records}_${column}_is_valid`;
}

/** The CHECKs of the history. */
export function historyChecks(shape: Shape): NamedCheck[] {
  const { history, owner, hasData } = shape;
  return [
    { name: `${history}_are_in_their_partition`, expression: isInItsPartition(owner.name) },
    { name: `${history}_position_is_positive`, expression: 'position >= 1' },
    {
      name: `${history}_begin_at_version_1`,
      expression: '(version = 1) = (from_state_type IS NULL)',
    },
    { name: `${history}_are_legal`, expression: isLegal(shape) },
    { name: `${history}_occurred_at_their_moment`, expression: occurredAtItsMoment(shape) },
    ...(hasData ? [{ name: `${history}_have_their_data`, expression: hasItsData(shape) }] : []),
  ].map(withCheckedName);
}

/** The CHECKs of the ledger. */
export function ledgerChecks({ ledger }: Shape): NamedCheck[] {
  const expression = `partition >= 0 AND partition < ${PARTITIONS}`;
  return [{ name: `${ledger}_has_this_partition`, expression }].map(withCheckedName);
}

/** As `partitionOf` computes it. With one partition, PostgreSQL drops the hash when it plans a statement. */
function isInItsPartition(id: string): string {
  const hash = `('x' || left(md5(${id}::text), 7))::bit(28)::integer % ${PARTITIONS}`;
  return `partition = CASE ${PARTITIONS}\n  WHEN 1 THEN 0\n  ELSE ${hash}\nEND`;
}

function withCheckedName(check: NamedCheck): NamedCheck {
  checked(check.name);
  return check;
}

function stateAgrees({ states, columns }: Shape): string {
  const arms = states.map((state) => {
    const conditions = columns.flatMap(({ name, hadBy, lackedBy }) => {
      if (hadBy.includes(state)) return `${identifier(name)} IS NOT NULL`;
      return lackedBy.includes(state) ? `${identifier(name)} IS NULL` : [];
    });
    return arm(state, conditions.length === 0 ? 'true' : conditions.join(' AND '));
  });
  return cased('state_type', arms, 'false');
}

function isLegal({ edges }: Shape): string {
  const triples = edges.map(({ from, event, to }) => `\n  (${literals([from ?? '', event, to])})`);
  // coalesce, since IN with a null gives null, and a CHECK that is null passes.
  return `(coalesce(from_state_type, ''), event, state_type) IN (${triples.join(',')}\n)`;
}

function occurredAtItsMoment({ events }: Shape): string {
  const arms = events.map(({ name, at }) => arm(name, identifier(at)));
  return `occurred_at IS NOT DISTINCT FROM ${cased('event', arms)}`;
}

function hasItsData({ events }: Shape): string {
  const arms = events.flatMap(({ name, data }) =>
    data === undefined ? [] : arm(name, dataRuleOf(data)),
  );
  // IS TRUE, since missing data make the expression null, which would pass.
  return `(${cased('event', arms, 'data IS NULL')}) IS TRUE`;
}

function arm(name: string, result: string): string {
  return `WHEN ${literal(name)} THEN ${result}`;
}

function cased(column: string, arms: readonly string[], otherwise?: string): string {
  const all = otherwise === undefined ? arms : [...arms, `ELSE ${otherwise}`];
  return `CASE ${column}\n${all.map((line) => `  ${line}\n`).join('')}END`;
}
