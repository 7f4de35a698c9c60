/** The arrows of a machine, and its Mermaid diagram. */
import type { Declaration } from './declaration';
import { targetsOf } from './plan';

/** One arrow. `from` is null where the machine begins. An event has one arrow for each of its targets. */
export interface Edge<S extends string = string, E extends string = string> {
  readonly event: E;
  readonly from: S | null;
  readonly to: S;
}

/** All arrows, the beginning first. */
export function edgesOf({ initial, states }: Declaration): readonly Edge[] {
  const arrows = Object.entries(states).flatMap(([from, { accepts = {} }]) =>
    Object.entries(accepts).flatMap(([event, accepted]) =>
      targetsOf(accepted).map((to) => ({ event, from, to })),
    ),
  );
  return [{ event: initial.event, from: null, to: initial.to }, ...arrows];
}

/** The machine as a Mermaid state diagram. */
export function mermaid(declaration: Declaration): string {
  const edges = edgesOf(declaration);
  const arrows = edges.map(({ event, from, to }) => `    ${from ?? '[*]'} --> ${to} : ${event}`);
  const ends = Object.keys(declaration.states)
    .filter((state) => edges.every(({ from }) => from !== state))
    .map((state) => `    ${state} --> [*]`);
  return ['stateDiagram-v2', ...arrows, ...ends].join('\n');
}
