/**
 * The mutations of a machine: what each event is asked with, what it answers, and how it is done. A resolver that is written
 * by hand takes all three from here. Everything that depends on the event alone is made once.
 */
import type { ClassType } from 'type-graphql';
import type { AnyLifecycle, Columns, MachinePhase } from '../machine';
import { Refusal } from '../machine';
import {
  type AskedBeginning,
  type AskedTransition,
  beginningArguments,
  idOf,
  transitionArguments,
} from './arguments';
import { BegunOtherwise } from '../store/BegunOtherwise';
import type { Context } from './context';
import { BadUserInput } from './errors';
import { type Names, words } from './names';
import type { PhaseTypes } from './phases';
import type { Refusals } from './refusals';
import { type ResolverClass, mutation } from './roots';
import type { Types } from './types';
import type { View } from './View';

/** An event, as a mutation knows it. */
interface Asking {
  readonly arguments: ClassType;
  /** What its mutation answers: the object type of the state that it begins, or a union. */
  readonly result: ClassType | symbol;
  /** What it carries, of what it was asked with. */
  readonly dataOf: (asked: object) => object;
  /** The derived mutation. */
  readonly resolver: ResolverClass;
}

/** What is declared of an event. */
interface Described {
  readonly verb: string;
  readonly says: string;
  readonly data: Columns;
}

type Said = Readonly<Record<string, unknown>>;

export class Mutations {
  readonly #lifecycle: AnyLifecycle;
  readonly #phases: PhaseTypes;
  readonly #refusals: Refusals;
  readonly #events: Readonly<Record<string, Asking>>;

  constructor(
    lifecycle: AnyLifecycle,
    types: Types,
    names: Names,
    phases: PhaseTypes,
    refusals: Refusals,
  ) {
    this.#lifecycle = lifecycle;
    this.#phases = phases;
    this.#refusals = refusals;
    const { initial, events } = lifecycle.machine.declaration;
    const askings: Record<string, Asking> = Object.create(null) as Record<string, never>;
    for (const event of lifecycle.events) {
      const { verb, says, data = {} } = events[event] ?? { verb: event, says: event };
      askings[event] =
        event === initial.event
          ? this.#beginning({ verb, says, data }, names)
          : this.#transition(event, { verb, says, data }, names, types);
    }
    this.#events = askings;
  }

  get resolvers(): readonly ResolverClass[] {
    return Object.values(this.#events).map(({ resolver }) => resolver);
  }

  /** @throws TypeError where the machine has no such event */
  asking(event: string): Asking {
    const asking = this.#events[event];
    if (asking === undefined) {
      const { machine, events } = this.#lifecycle;
      throw new TypeError(`${machine.name} has no event ${event}; there are ${events.join(', ')}.`);
    }
    return asking;
  }

  /** Begins a machine. */
  async begin(
    asked: AskedBeginning,
    { machines, newId, actor, deadline }: Context,
  ): Promise<View<MachinePhase>> {
    const { event } = this.#lifecycle.machine.declaration.initial;
    const id = asked.id?.toLowerCase() ?? newId();
    const { store } = machines.of(this.#lifecycle);
    const data = this.asking(event).dataOf(asked);
    const phase = await store.begin(id, data, { actor, deadline }).catch(refuseOtherwise);
    return this.#phases.viewOf(phase);
  }

  /** Moves a machine by one transition. */
  async transition(
    event: string,
    asked: AskedTransition,
    { machines, actor, observation, deadline }: Context,
  ): Promise<View<MachinePhase> | View<Refusal>> {
    const { occurredAt, idempotencyKey } = asked;
    const { store } = machines.of(this.#lifecycle);
    const data = this.asking(event).dataOf(asked);
    const request = { occurredAt, idempotencyKey, actor, deadline };
    const outcome = await store.transition(idOf(asked), event, data, request);
    if (!(outcome instanceof Refusal)) return this.#phases.viewOf(outcome);
    const refused = this.#refusals.viewOf(outcome);
    observation.refusal ??= refused.constructor.name;
    return refused;
  }

  #beginning({ verb, says, data }: Described, names: Names): Asking {
    const { initial } = this.#lifecycle.machine.declaration;
    const result = this.#phases.stateOf(initial.to);
    const args = beginningArguments(`The arguments of ${names.mutation(verb)}`, names, data);
    return {
      arguments: args,
      result,
      dataOf: dataReader(data),
      resolver: mutation<AskedBeginning>({
        name: names.mutation(verb),
        type: () => result,
        nullable: true,
        says: `${says} Asked for again with the same id, it answers the same ${names.noun}.`,
        arguments: args,
        ask: (asked, context) => this.begin(asked, context),
      }),
    };
  }

  #transition(event: string, { verb, says, data }: Described, names: Names, types: Types): Asking {
    const targets = new Set(
      this.#lifecycle.edges.filter((edge) => edge.event === event).map(({ to }) => to),
    );
    const result = types.union(
      names.result(event),
      `The ${names.noun} after its ${words(event)}, or why it did not change.`,
      [...[...targets].map((to) => this.#phases.stateOf(to)), ...this.#refusals.typesOf(event)],
    );
    const args = transitionArguments(`The arguments of ${names.mutation(verb)}`, names, data);
    return {
      arguments: args,
      result,
      dataOf: dataReader(data),
      resolver: mutation<AskedTransition>({
        name: names.mutation(verb),
        type: () => result,
        nullable: true,
        says,
        arguments: args,
        ask: (asked, context) => this.transition(event, asked, context),
      }),
    };
  }
}

/** There is no result union for a beginning: its id is its key. */
function refuseOtherwise(error: unknown): never {
  if (!(error instanceof BegunOtherwise)) throw error;
  throw new BadUserInput([{ path: 'id', message: 'was used before, with other data.' }]);
}

const NO_DATA = Object.freeze({});

/** Reads what an event carries off what its mutation was asked with. */
function dataReader(data: Columns): (asked: object) => object {
  const names = Object.keys(data);
  if (names.length === 0) return () => NO_DATA;
  return (asked) => {
    const said: Record<string, unknown> = {};
    // Its arguments' class has each of them.
    for (const name of names) said[name] = (asked as Said)[name];
    return said;
  };
}
