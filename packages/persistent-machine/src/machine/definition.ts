/**
 * What a state machine is, and what can be derived from any machine's list of transitions.
 * Generic: nothing here knows what a life is.
 */

/** The one list of what a machine allows: how it begins, and from each state, which event leads where. */
export interface MachineDefinition {
  readonly initial: { readonly event: string; readonly to: string };
  readonly transitions: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** The states of machine `M`, as a union of literals. */
export type StateOf<M extends MachineDefinition> = keyof M['transitions'] & string;

/** The events that machine `M` accepts in state `S`. */
export type EventFrom<M extends MachineDefinition, S extends StateOf<M>> =
  S extends StateOf<M> ? keyof M['transitions'][S] & string : never;

/** All events of machine `M`: the one that begins it, and those that some state accepts. */
export type EventOf<M extends MachineDefinition> = M['initial']['event'] | EventFrom<M, StateOf<M>>;

/** One arrow of the machine's picture; `from` is null for the one that begins it. */
export interface Edge<M extends MachineDefinition> {
  readonly event: EventOf<M>;
  readonly from: StateOf<M> | null;
  readonly to: StateOf<M>;
}

/** The machine's states, in the order in which its list names them. */
export function statesOf<M extends MachineDefinition>(machine: M): readonly StateOf<M>[] {
  // Object.keys forgets the literals, which the type of the very same object still knows.
  return Object.keys(machine.transitions);
}

/** Every arrow of the machine, the beginning first. All that is derived from the list goes through here. */
export function edgesOf<M extends MachineDefinition>(machine: M): readonly Edge<M>[] {
  // As in statesOf: entries of the object whose type holds the literals.
  const arrows = statesOf(machine).flatMap((from) =>
    Object.entries(machine.transitions[from] ?? {}).map(([event, to]) => ({ event, from, to })),
  );
  return [{ ...machine.initial, from: null }, ...arrows];
}

/** The machine's events, each once, the one that begins it first. */
export function eventsOf<M extends MachineDefinition>(machine: M): readonly EventOf<M>[] {
  return [...new Set(edgesOf(machine).map((edge) => edge.event))];
}

/** The events that the machine accepts in `state`; none where it is final. */
export function nextEvents<M extends MachineDefinition>(
  machine: M,
  state: StateOf<M>,
): readonly EventOf<M>[] {
  return Object.keys(machine.transitions[state] ?? {});
}

/** The machine as a Mermaid state diagram. */
export function mermaid(machine: MachineDefinition): string {
  const arrows = edgesOf(machine).map(
    ({ event, from, to }) => `    ${from ?? '[*]'} --> ${to} : ${event}`,
  );
  const ends = statesOf(machine)
    .filter((state) => nextEvents(machine, state).length === 0)
    .map((state) => `    ${state} --> [*]`);
  return ['stateDiagram-v2', ...arrows, ...ends].join('\n');
}
