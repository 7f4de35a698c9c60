/**
 * Finds how to bring a machine into each state: it asks the machine, which is pure, with sample data, breadth first. So
 * a test of a machine need not say how to reach its states. Knows no database.
 */
import {
  type AnyLifecycle,
  type Edge,
  type MachinePhase,
  OccurredAtOutOfRange,
  Refusal,
  type RefusalClass,
} from '../../src/machine';
import { hours } from '../integrity/samples';
import type { SampleData } from './sampleData';

/** An event that a caller asks for, with its data. */
export interface Asked {
  readonly event: string;
  readonly data: object;
}

/** The event that begins a machine, and the events that follow. */
export type Walk = readonly [beginning: Asked, ...steps: Asked[]];

/** An event at the end of a walk, and its outcome. */
export interface Way {
  readonly walk: Walk;
  /** The phase at the end of the walk. */
  readonly before: MachinePhase;
  /** The event that is asked for there. */
  readonly asked: Asked;
  /** What the machine answers. */
  readonly outcome: MachinePhase | Refusal;
}

interface Place {
  readonly walk: Walk;
  readonly phase: MachinePhase;
}

/** Bounds of the search: the data that lead from one phase to one state, and the phases by one edge. */
const FOLLOWED = { fromPhase: 3, byEdge: 200 };

/**
 * The moments of the transition to a version: it is asked for each hour, and occurred half an hour earlier, so that no
 * test mixes up the two.
 */
export function momentOf(version: number): { readonly now: Date; readonly occurredAt: Date } {
  return { now: hours(version), occurredAt: hours(version - 0.5) };
}

/** The id of every machine that the search tries; no database has it. */
const SOME_ID = '01990000-0000-7000-8000-000000000000';

export class Ways {
  readonly #lifecycle: AnyLifecycle;
  readonly #data: SampleData;
  readonly #places = new Map<string, Place>();
  readonly #ways = new Map<string, Way>();
  readonly #thrown = new Map<string, Error>();

  constructor(lifecycle: AnyLifecycle, data: SampleData) {
    this.#lifecycle = lifecycle;
    this.#data = data;
    this.#search();
  }

  /** The shortest walk to each state that can be reached, and the phase there. */
  get shortest(): readonly Place[] {
    return [...this.#places.values()];
  }

  /** A walk along each edge that was found, the longest first. */
  get walks(): readonly [longest: Walk, ...others: Walk[]] {
    const [longest, ...others] = [...this.#ways.values()]
      .filter(({ outcome }) => !(outcome instanceof Refusal))
      .map(({ walk, asked }): Walk => [...walk, asked])
      .sort((one, other) => other.length - one.length);
    if (longest === undefined) throw new Error(`${this.#lifecycle.machine.name} never changes.`);
    return [longest, ...others];
  }

  /**
   * @returns the shortest walk to a state, and the phase there
   * @throws Error where none was found
   */
  to(state: string): Place {
    const found = this.#places.get(state);
    if (found !== undefined) return found;
    throw this.#notFound(
      `No walk was found that leads to ${state}`,
      edgesTo(this.#lifecycle, state),
    );
  }

  /**
   * @returns a walk to the beginning of the edge, and the event that leads along it
   * @throws Error where none was found, or the event's verb throws
   */
  along({ from, event, to }: Edge): Way {
    const found = this.#ways.get(keyOf(from, event, to));
    // A class that throws for some data is wrong, even if other data work.
    if (found !== undefined && !this.#thrown.has(keyOf(from, event))) return found;
    throw this.#notFound(
      `No data were found by which ${event} leads from ${String(from)} to ${to}`,
      [{ from, event }],
    );
  }

  /**
   * @returns a walk to a phase in which an event is refused for the machine's own reason
   * @throws Error where none was found
   */
  toRefusal(event: string, refusal: RefusalClass): Way {
    const found = this.#ways.get(keyOf(event, refusal.name));
    if (found !== undefined) return found;
    throw this.#notFound(`No data were found by which ${event} is refused with ${refusal.name}`, [
      { from: null, event },
    ]);
  }

  /** @returns an event that moves a machine on from this phase; undefined where none was found */
  next(phase: MachinePhase): Asked | undefined {
    for (const event of this.#lifecycle.nextEvents(phase.stateType)) {
      for (const data of this.#data.of(event, phase)) {
        const outcome = this.#lifecycle.step(event)(phase, data, momentOf(phase.state.version));
        if (!(outcome instanceof Refusal)) return { event, data };
      }
    }
    return undefined;
  }

  #search(): void {
    const { initial } = this.#lifecycle.machine.declaration;
    const followed = new Map<string, number>();
    const queue: Place[] = this.#data.of(initial.event, null).map((data) => ({
      walk: [{ event: initial.event, data }],
      phase: this.#lifecycle.begin(SOME_ID, data, hours(0)),
    }));
    for (const place of queue) {
      if (!this.#places.has(place.phase.stateType)) this.#places.set(place.phase.stateType, place);
      for (const event of this.#lifecycle.nextEvents(place.phase.stateType)) {
        const here = new Map<string, number>();
        for (const way of this.#tries(place, event)) {
          const edge = keyOf(place.phase.stateType, event, kindOf(way.outcome));
          if (way.outcome instanceof Refusal) {
            note(this.#ways, keyOf(event, kindOf(way.outcome)), way);
            continue;
          }
          note(this.#ways, edge, way);
          const counts = [count(here, edge), count(followed, edge)] as const;
          if (counts[0] > FOLLOWED.fromPhase || counts[1] > FOLLOWED.byEdge) continue;
          queue.push({ walk: [...place.walk, way.asked], phase: way.outcome });
        }
      }
      if (this.#isDone()) return;
    }
  }

  /** The outcomes of an event, one for each of its sample data. */
  *#tries({ walk, phase }: Place, event: string): Iterable<Way> {
    for (const data of this.#data.of(event, phase)) {
      let outcome;
      try {
        outcome = this.#lifecycle.step(event)(phase, data, momentOf(phase.state.version));
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        note(this.#thrown, keyOf(phase.stateType, event), error);
        continue;
      }
      if (outcome instanceof OccurredAtOutOfRange) continue;
      yield { walk, before: phase, asked: { event, data }, outcome };
    }
  }

  #isDone(): boolean {
    const { edges, machine, states } = this.#lifecycle;
    return (
      states.every((state) => this.#places.has(state)) &&
      edges.every(
        ({ from, event, to }) => from === null || this.#ways.has(keyOf(from, event, to)),
      ) &&
      Object.entries(machine.declaration.events).every(([event, { refusals = [] }]) =>
        refusals.every((refusal) => this.#ways.has(keyOf(event, refusal.name))),
      )
    );
  }

  #notFound(what: string, edges: readonly Pick<Edge, 'from' | 'event'>[]): Error {
    const { name, plural } = this.#lifecycle.machine;
    const thrown = edges.map(({ from, event }) => this.#thrown.get(keyOf(from, event)));
    const cause = thrown.find((error) => error !== undefined);
    if (cause !== undefined)
      return new Error(`A class of ${name} throws: ${cause.message}`, { cause });
    const tries = [...new Set(edges.map(({ event }) => event))].map((event) => `${event}: [{ … }]`);
    const given = `describeMachine(${plural}, open, { samples: { ${tries.join(', ')} } })`;
    return new Error(
      `${what} of ${name}. Either its classes never do that, or the sample data lack a value: ` +
        `give some, as in ${given}.`,
    );
  }
}

function edgesTo({ edges }: AnyLifecycle, state: string): readonly Edge[] {
  return edges.filter(({ to }) => to === state);
}

function keyOf(...names: readonly (string | null)[]): string {
  return names.join(' ');
}

function kindOf(outcome: MachinePhase | Refusal): string {
  return outcome instanceof Refusal ? outcome.constructor.name : outcome.stateType;
}

/** Adds an entry, unless the key has one. */
function note<T>(entries: Map<string, T>, key: string, entry: T): void {
  if (!entries.has(key)) entries.set(key, entry);
}

function count(counts: Map<string, number>, key: string): number {
  const number = (counts.get(key) ?? 0) + 1;
  counts.set(key, number);
  return number;
}
