/**
 * The mutations of a machine: the arguments, the result and the resolver of each event, made once. A handwritten
 * resolver takes them from here. Does not know how a change is committed.
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

interface EventMutation {
  readonly arguments: ClassType;
  /** The object type of the initial state for a beginning, else a union. */
  readonly result: ClassType | symbol;
  /** Picks the event's data from the arguments. */
  readonly dataOf: (asked: object) => object;
  /** The derived mutation. */
  readonly resolver: ResolverClass;
}

/** The part of an event's declaration that its mutation shows. */
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
  readonly #byEvent: Readonly<Record<string, EventMutation>>;

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
    const byEvent: Record<string, EventMutation> = Object.create(null) as Record<string, never>;
    for (const event of lifecycle.events) {
      const { verb, says, data = {} } = events[event] ?? { verb: event, says: event };
      byEvent[event] =
        event === initial.event
          ? this.#beginning({ verb, says, data }, names)
          : this.#transition(event, { verb, says, data }, names, types);
    }
    this.#byEvent = byEvent;
  }

  get resolvers(): readonly ResolverClass[] {
    return Object.values(this.#byEvent).map(({ resolver }) => resolver);
  }

  /** @throws TypeError if the machine has no such event */
  of(event: string): EventMutation {
    const found = this.#byEvent[event];
    if (found === undefined) {
      const { machine, events } = this.#lifecycle;
      throw new TypeError(`${machine.name} has no event ${event}. It has ${events.join(', ')}.`);
    }
    return found;
  }

  /** Begins a machine. */
  async begin(
    asked: AskedBeginning,
    { machines, newId, actor, deadline }: Context,
  ): Promise<View<MachinePhase>> {
    const { event } = this.#lifecycle.machine.declaration.initial;
    const id = asked.id?.toLowerCase() ?? newId();
    const { store } = machines.of(this.#lifecycle);
    const data = this.of(event).dataOf(asked);
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
    const data = this.of(event).dataOf(asked);
    const request = { occurredAt, idempotencyKey, actor, deadline };
    const outcome = await store.transition(idOf(asked), event, data, request);
    if (!(outcome instanceof Refusal)) return this.#phases.viewOf(outcome);
    const refused = this.#refusals.viewOf(outcome);
    observation.refusal ??= refused.constructor.name;
    return refused;
  }

  #beginning({ verb, says, data }: Described, names: Names): EventMutation {
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
        says: `${says} A retry with the same id answers the same ${names.noun}.`,
        arguments: args,
        ask: (asked, context) => this.begin(asked, context),
      }),
    };
  }

  #transition(
    event: string,
    { verb, says, data }: Described,
    names: Names,
    types: Types,
  ): EventMutation {
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

/** Throws, because a beginning has no result union to hold a refusal. */
function refuseOtherwise(error: unknown): never {
  if (!(error instanceof BegunOtherwise)) throw error;
  throw new BadUserInput([{ path: 'id', message: 'was used before with other data.' }]);
}

const NO_DATA = Object.freeze({});

/** @returns a function that picks the data from the arguments of a mutation */
function dataReader(data: Columns): (asked: object) => object {
  const names = Object.keys(data);
  if (names.length === 0) return () => NO_DATA;
  return (asked) => {
    const said: Record<string, unknown> = {};
    // The class of the arguments has a field for each.
    for (const name of names) said[name] = (asked as Said)[name];
    return said;
  };
}
