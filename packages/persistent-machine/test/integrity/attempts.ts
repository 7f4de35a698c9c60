/**
 * Derives changes by raw SQL from a declaration. Each keeps all rules, or breaks exactly one rule of a state, an event
 * or a column.
 */
import type { ByHand, Edge, Row, Step } from './byHand';
import { type Value, breachesOf, hours, limitsOf, sampleOf, sqlOf } from './samples';

export interface Attempt {
  readonly title: string;
  /**
   * How PostgreSQL refuses it: the SQLSTATE, and a constraint's name or words of the message. Undefined: it accepts it.
   */
  readonly refusal: { readonly code: string; readonly by: string } | undefined;
  readonly statements: readonly string[];
}

/** A machine in each state, and an id that no machine has. */
export interface Subjects {
  /** By state, the record as it is. */
  readonly rows: ReadonlyMap<string, Row>;
  readonly unusedId: string;
}

export const CHECK = '23514';
export const RULE = '23000';

/** The steps that can be made now: the beginning of another machine, and each edge of the existing ones. */
export function stepsOf(byHand: ByHand, { rows, unusedId }: Subjects): Step[] {
  return byHand.edges.map((edge) => {
    if (edge.from === null) return byHand.begin(unusedId);
    return byHand.step(rowIn(rows, edge.from), edge);
  });
}

function rowIn(rows: ReadonlyMap<string, Row>, state: string): Row {
  const row = rows.get(state);
  if (row === undefined) throw new Error(`Nothing leads to ${state}.`);
  return row;
}

function inWords({ from, event, to }: Edge): string {
  return `${event} from ${from ?? 'nothing'} to ${to}`;
}

/** Each (state, column): columns that the state has, may have, and cannot hold. */
export function statesAndColumns(byHand: ByHand, subjects: Subjects): Attempt[] {
  const by = `${byHand.shape.records}_state_agrees_with_columns`;
  return stepsOf(byHand, subjects).flatMap((step) =>
    byHand.columns.flatMap((column): Attempt[] => {
      const { to, event } = step.edge;
      const held = byHand.holding(to, column);
      const isSet = byHand.sets(event, column);
      const attempt = (what: string, value: Value, isRefused: boolean): Attempt => ({
        title: `${inWords(step.edge)} ${what} ${column}`,
        refusal: isRefused ? { code: CHECK, by } : undefined,
        statements: byHand.statements(step, { row: { [column]: value } }),
      });
      if (held === 'lacks') return [attempt('with', valueFor(byHand, column), true)];
      if (held === 'has') return [attempt('without', null, true)];
      // A column that takes the moment of the event must be set, even if the state may lack it.
      return isSet && column !== byHand.momentOf(event)
        ? [attempt('with', valueFor(byHand, column), false), attempt('without', null, false)]
        : [];
    }),
  );
}

/** Each (event, column): an event may change the columns that it sets, and no others. */
export function eventsAndColumns(byHand: ByHand, subjects: Subjects): Attempt[] {
  return stepsOf(byHand, subjects).flatMap((step) => {
    const { before, edge } = step;
    return byHand.columns.flatMap((column): Attempt[] => {
      const held = byHand.holding(edge.to, column);
      if (held === 'lacks') return [];
      const isSet = byHand.sets(edge.event, column);
      const attempt = (value: Value): Attempt => ({
        title: `${inWords(edge)} with ${column} changed from ${say(before?.[column])} to ${say(value)}`,
        refusal: isSet
          ? undefined
          : {
              code: RULE,
              by: `a transition of ${byHand.machine.name} changes ${nameAlone(byHand, column)}, which is not set by ${edge.event}`,
            },
        statements: byHand.statements(step, { row: { [column]: value } }),
      });
      const forgotten = before?.[column] != null && held === 'may' && !isSet ? [attempt(null)] : [];
      return [attempt(valueFor(byHand, column, before?.[column])), ...forgotten];
    });
  });
}

function say(value: Value | undefined): string {
  return value instanceof Date ? value.toISOString() : String(value ?? 'nothing');
}

/** The name of a column as a message prints it. */
function nameAlone(byHand: ByHand, column: string): string {
  return byHand.nameOf(column).replaceAll('"', '');
}

/** A value that a column does not have; a moment is later than all others. */
export function valueFor(byHand: ByHand, column: string, current: Value = null): Value {
  const rules = byHand.machine.declaration.columns[column];
  for (let number = 1_000; rules !== undefined && number < 1_100; number += 1) {
    const value = sampleOf(rules, number);
    if (sqlOf(value) !== sqlOf(current)) return value;
  }
  throw new Error(`${column} has no other value.`);
}

/** Each (state, event, state). */
export function transitions(byHand: ByHand, subjects: Subjects): Attempt[] {
  const isLegal = (edge: Edge): boolean =>
    byHand.edges.some(
      ({ from, event, to }) => from === edge.from && event === edge.event && to === edge.to,
    );
  return [null, ...byHand.states].flatMap((from) =>
    byHand.events.flatMap((event) =>
      byHand.states.map((to) => {
        const edge = { from, event, to };
        const step = forced(byHand, subjects, edge);
        return {
          title: inWords(edge),
          refusal: isLegal(edge)
            ? undefined
            : { code: CHECK, by: `${byHand.shape.history}_are_legal` },
          // The new state may lack the column of the event's moment: then occurred_at is set by hand.
          statements: byHand.statements(
            step,
            step.after[byHand.momentOf(event)] == null
              ? { transition: { occurred_at: sqlOf(hours(500)) } }
              : {},
          ),
        };
      }),
    ),
  );
}

/** A change along an edge that may not exist, with every column that its new state must have. */
function forced(byHand: ByHand, { rows, unusedId }: Subjects, edge: Edge): Step {
  const begun = byHand.begin(unusedId);
  const step =
    edge.from === null
      ? { ...begun, edge, after: { ...begun.after, stateType: edge.to } }
      : byHand.step(rowIn(rows, edge.from), edge);
  const held = byHand.columns.map((column) => {
    const value = step.after[column] ?? null;
    if (byHand.holding(edge.to, column) === 'lacks') return [column, null];
    return [
      column,
      value === null && byHand.holding(edge.to, column) === 'has'
        ? valueFor(byHand, column)
        : value,
    ];
  });
  return { ...step, after: { ...step.after, ...(Object.fromEntries(held) as Row) } };
}

/** When a transition occurred. */
export function moments(byHand: ByHand, subjects: Subjects): Attempt[] {
  return stepsOf(byHand, subjects).flatMap((step): Attempt[] => {
    const { before, edge } = step;
    const at = byHand.momentOf(edge.event);
    const another = {
      title: `${inWords(edge)} at another moment than its record says`,
      refusal: { code: CHECK, by: `${byHand.shape.history}_occurred_at_their_moment` },
      statements: byHand.statements(step, { transition: { occurred_at: sqlOf(hours(7.5)) } }),
    };
    if (before === null) return [another];
    const last = hours(Number(before['version']) === 1 ? 0 : Number(before['version']));
    return [
      another,
      {
        title: `${inWords(edge)} a millisecond before what it follows`,
        refusal: {
          code: RULE,
          by: `a transition of ${byHand.machine.name} occurred before the one that it follows`,
        },
        statements: byHand.statements(step, { row: { [at]: new Date(last.getTime() - 1) } }),
      },
      {
        title: `${inWords(edge)} at the very moment of what it follows`,
        refusal: undefined,
        statements: byHand.statements(step, { row: { [at]: last } }),
      },
    ];
  });
}

/** The rules of each column. */
export function rules(byHand: ByHand, subjects: Subjects): Attempt[] {
  const steps = stepsOf(byHand, subjects);
  return Object.entries(byHand.machine.declaration.columns).flatMap(([column, of]): Attempt[] => {
    const step = steps.find(
      ({ edge }) => byHand.sets(edge.event, column) && byHand.holding(edge.to, column) !== 'lacks',
    );
    if (step === undefined) return [];
    const attempt = (what: string, value: Value, refusal: Attempt['refusal']): Attempt => ({
      title: `${inWords(step.edge)} with a ${column} ${what}`,
      refusal,
      statements: byHand.statements(step, { row: { [column]: value } }),
    });
    const by = `${byHand.shape.records}_${nameAlone(byHand, column)}_is_valid`;
    return [
      ...Object.entries(breachesOf(of)).map(([what, value]) =>
        attempt(what, value, { code: CHECK, by }),
      ),
      ...limitsOf(of).map((value, index) => attempt(`at limit ${index + 1}`, value, undefined)),
    ];
  });
}

/** JSON of every type. */
const JSON_VALUES = [
  'null',
  '1',
  '1.5',
  '9999999999',
  'true',
  '"text"',
  '{}',
  '[]',
  '[1]',
  '["text"]',
];
const FITTING: Readonly<Record<string, readonly string[]>> = {
  text: ['"text"'],
  int: ['1'],
  moment: [],
  flag: ['true'],
};

/** The data of each event. */
export function data(byHand: ByHand, subjects: Subjects): Attempt[] {
  if (!byHand.shape.hasData) return [];
  const refusal = { code: CHECK, by: `${byHand.shape.history}_have_their_data` };
  return stepsOf(byHand, subjects).flatMap((step): Attempt[] => {
    const declared = byHand.dataOf(step.edge.event);
    const attempt = (what: string, json: string | null, isAccepted = false): Attempt => ({
      title: `${inWords(step.edge)} with ${what}`,
      refusal: isAccepted ? undefined : refusal,
      statements: byHand.statements(step, { transition: { data: sqlOf(json) } }),
    });
    const carried = step.data;
    if (declared === undefined || carried === null) {
      return JSON_VALUES.map((json) => attempt(`data ${json}`, json));
    }
    const said = Object.entries(carried).map(([key, value]): [string, string] => [
      key,
      JSON.stringify(value),
    ]);
    const object = (entries: readonly (readonly [string, string])[]): string =>
      `{${entries.map(([key, json]) => `${JSON.stringify(key)}: ${json}`).join(', ')}}`;
    return [
      attempt('no data', null),
      ...JSON_VALUES.map((json) => attempt(`data ${json}`, json)),
      attempt('data in an array', `[${object(said)}]`),
      attempt('a key too many', object([...said, ['another', '1']])),
      ...said.flatMap(([key]) => [
        attempt(`${key} left out`, object(said.filter(([name]) => name !== key))),
        ...JSON_VALUES.map((json) =>
          attempt(
            `${key}: ${json}`,
            object(said.map(([name, value]) => [name, name === key ? json : value])),
            FITTING[declared[key]?.kind ?? '']?.includes(json),
          ),
        ),
      ]),
    ];
  });
}
