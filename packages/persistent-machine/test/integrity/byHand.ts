/**
 * Changes any machine by hand, in three SQL statements: the ledger moves, the record changes, the transition is
 * recorded. A test can make each of them wrong. Derived from the declaration alone.
 */
import type { AnyMachine, Columns } from '../../src/machine';
import { identifier } from '../../src/integrity/names';
import { partitionOf } from '../../src/operations/partition';
import { type Shape, shapeOf } from '../../src/integrity/shape';
import { type Value, hours, sampleOf, sqlOf } from './samples';

export interface Edge {
  readonly from: string | null;
  readonly event: string;
  readonly to: string;
}

/** A record, by the names of TypeScript. */
export type Row = Readonly<Record<string, Value>>;

/** One legal change. */
export interface Step {
  readonly edge: Edge;
  readonly before: Row | null;
  readonly after: Row;
  /** The data of its event. */
  readonly data: Readonly<Record<string, Value>> | null;
}

/** Columns, by the names of SQL, and for each an SQL expression. */
export type Expressions = Readonly<Record<string, string>>;

/** What a test makes wrong. */
export interface Fault {
  /** Values of the record, which its transition repeats. */
  readonly row?: Row;
  /** Expressions of the record alone. */
  readonly record?: Expressions;
  /** Expressions of the transition alone. */
  readonly transition?: Expressions;
}

export type Statements = readonly [ledger: string, record: string, transition: string];

export class ByHand {
  readonly shape: Shape;
  readonly edges: readonly Edge[];
  readonly states: readonly string[];
  readonly events: readonly string[];
  readonly columns: readonly string[];

  /** The partition in which all changes are. */
  readonly partition: number;
  /** The ledger of that partition, for a FROM or an UPDATE. */
  readonly inPartition: string;

  /** @param partitions how many the database has */
  constructor(
    readonly machine: AnyMachine,
    readonly partitions = 1,
  ) {
    this.partition = partitions - 1;
    this.inPartition = `WHERE partition = ${this.partition}`;
    const { initial, states, events, columns } = machine.declaration;
    this.shape = shapeOf(machine);
    this.states = Object.keys(states);
    this.events = Object.keys(events);
    this.columns = Object.keys(columns);
    this.edges = [
      { from: null, event: initial.event, to: initial.to },
      ...this.states.flatMap((from) =>
        Object.entries(states[from]?.accepts ?? {}).flatMap(([event, targets]) =>
          [targets].flat().map((to) => ({ from, event, to })),
        ),
      ),
    ];
  }

  /** Numbers that are not the partition: of the other ones, and just below and above all. */
  get otherPartitions(): number[] {
    const around = Array.from({ length: this.partitions + 2 }, (_, index) => index - 1);
    return around.filter((partition) => partition !== this.partition);
  }

  /** An id in the partition; another one for each number. */
  idOf(number: number): string {
    const ids = Array.from({ length: 1_000 }, (_, index) => {
      const digits = String(1_000 * number + index).padStart(12, '0');
      return `01990000-0000-7000-8000-${digits}`;
    });
    const found = ids.find((id) => partitionOf(id, this.partitions) === this.partition);
    if (found === undefined) throw new Error('No id is in the partition.');
    return found;
  }

  /** Whether a state has a column, may have it, or cannot hold it. */
  holding(state: string, column: string): 'has' | 'may' | 'lacks' {
    const { has = [], may = [] } = this.machine.declaration.states[state] ?? {};
    if (has.includes(column)) return 'has';
    return may.includes(column) ? 'may' : 'lacks';
  }

  /** Whether an event may change a column. */
  sets(event: string, column: string): boolean {
    const { at, data = {}, sets = [] } = this.machine.declaration.events[event] ?? {};
    return at === column || column in data || sets.includes(column);
  }

  /** The property of the column that takes the moment of an event. */
  momentOf(event: string): string {
    return this.machine.declaration.events[event]?.at ?? '';
  }

  dataOf(event: string): Columns | undefined {
    return this.machine.declaration.events[event]?.data;
  }

  /** A column's name in SQL. */
  nameOf(column: string): string {
    const found = this.shape.columns.find(({ property }) => property === column);
    return identifier(
      found?.name ?? column.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    );
  }

  /** Begins a machine. */
  begin(id: string): Step {
    const [edge] = this.edges;
    if (edge === undefined) throw new Error('It does not begin.');
    const at = hours(0);
    const none = Object.fromEntries(this.columns.map((column) => [column, null]));
    return this.#stepTo(edge, null, {
      id,
      version: 1,
      stateType: edge.to,
      createdAt: at,
      updatedAt: at,
      ...none,
    });
  }

  /** The change of a machine by one of its edges: each column that the event may set gets a new value. */
  step(before: Row, edge: Edge): Step {
    const version = Number(before['version']) + 1;
    const at = hours(version);
    return this.#stepTo(edge, before, { ...before, version, stateType: edge.to, updatedAt: at });
  }

  #stepTo(edge: Edge, before: Row | null, row: Row): Step {
    const { columns } = this.machine.declaration;
    const number = Number(row['version']);
    const data = this.dataOf(edge.event);
    const said = Object.entries(data ?? {}).map(([name, rules]) => [name, sampleOf(rules, number)]);
    const set = Object.entries(columns).map(([column, rules]) => {
      if (this.holding(edge.to, column) === 'lacks') return [column, null];
      if (column === this.momentOf(edge.event)) return [column, row['updatedAt']];
      return [column, this.sets(edge.event, column) ? sampleOf(rules, number) : row[column]];
    });
    return {
      edge,
      before,
      after: { ...row, ...(Object.fromEntries(set) as Row) },
      data: data === undefined ? null : (Object.fromEntries(said) as Row),
    };
  }

  /** The shortest steps to each state that can be reached. */
  ways(idOf: (state: string) => string): Map<string, readonly Step[]> {
    const ways = new Map<string, readonly Step[]>();
    const [first] = this.edges;
    if (first === undefined) return ways;
    const edgesTo = new Map<string, readonly Edge[]>([[first.to, [first]]]);
    for (const [state, way] of edgesTo) {
      for (const edge of this.edges.filter(({ from }) => from === state)) {
        if (!edgesTo.has(edge.to)) edgesTo.set(edge.to, [...way, edge]);
      }
    }
    for (const [state, [, ...edges]] of edgesTo) {
      const steps = [this.begin(idOf(state))];
      for (const edge of edges) steps.push(this.step(steps.at(-1)?.after ?? {}, edge));
      ways.set(state, steps);
    }
    return ways;
  }

  /** The statements of a change. */
  statements(step: Step, { row = {}, record = {}, transition = {} }: Fault = {}): Statements {
    const after = { ...step, after: { ...step.after, ...row } };
    return [
      this.ledgerMoves(this.countsOf(step.edge)),
      this.recordWritten(after, record),
      this.transitionRecorded(after, transition),
    ];
  }

  /** What a change adds to the counts of the ledger. */
  countsOf({ from, to }: Edge): Readonly<Record<string, number>> {
    if (from === to) return { [to]: 0 };
    return from === null ? { [to]: 1 } : { [from]: -1, [to]: 1 };
  }

  /**
   * Moves the ledger by so many positions, and by so many machines in each state.
   *
   * @param wrong replaces the expression of the counts
   */
  ledgerMoves(
    counts: Readonly<Record<string, number>>,
    positions = 1,
    wrong = (right: string): string => right,
  ): string {
    const parts = Object.entries(counts).map(
      ([state, number]) => `'${state}', coalesce(counts ->> '${state}', '0')::bigint + ${number}`,
    );
    return `UPDATE ${this.shape.ledger} SET position = position + ${positions},
            counts = ${wrong(`counts || jsonb_build_object(${parts.join(', ')})`)}
            ${this.inPartition}`;
  }

  recordWritten(
    { before, after }: Pick<Step, 'before' | 'after'>,
    expressions: Expressions = {},
  ): string {
    const all = Object.entries({
      partition: String(this.partition),
      ...this.#expressionsOf(after),
      ...expressions,
    });
    if (before === null) {
      return `INSERT INTO ${this.shape.records} (${all.map(([name]) => name).join(', ')})
              VALUES (${all.map(([, value]) => value).join(', ')})`;
    }
    return `UPDATE ${this.shape.records}
            SET ${all.map(([name, value]) => `${name} = ${value}`).join(', ')}
            WHERE id = ${sqlOf(before['id'] ?? null)}`;
  }

  /** A transition at the ledger's last position. */
  transitionRecorded({ edge, after, data }: Step, expressions: Expressions = {}): string {
    const { id, ...recorded } = this.#expressionsOf(after);
    const moment = after[this.momentOf(edge.event)] ?? null;
    const all = Object.entries({
      partition: String(this.partition),
      [this.shape.owner.name]: id ?? 'NULL',
      ...recorded,
      event: sqlOf(edge.event),
      from_state_type: sqlOf(edge.from),
      occurred_at: sqlOf(moment),
      recorded_at: sqlOf(after['updatedAt'] ?? null),
      position: this.#lastPosition,
      ...(this.shape.hasData ? { data: data === null ? 'NULL' : sqlOf(JSON.stringify(data)) } : {}),
      ...expressions,
    });
    return `INSERT INTO ${this.shape.history} (${all.map(([name]) => name).join(', ')})
            VALUES (${all.map(([, value]) => value).join(', ')})`;
  }

  /** The position that is so many before the last one, for a ledger that has moved by several. */
  positionBefore(number: number): Expressions {
    return { position: `${this.#lastPosition} - ${number}` };
  }

  /** The transition's position where the ledger has moved by one. */
  get #lastPosition(): string {
    return `(SELECT position FROM ${this.shape.ledger} ${this.inPartition})`;
  }

  #expressionsOf(row: Row): Record<string, string> {
    return Object.fromEntries(
      Object.entries(row).map(([column, value]) => [this.nameOf(column), sqlOf(value)]),
    );
  }
}
