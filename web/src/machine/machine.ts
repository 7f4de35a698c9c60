/** The machine, as the server describes it: of its states, events and columns nothing is written down here. */
import { assertName, parseType } from 'graphql';
import { createContext, useContext } from 'react';
import type { FieldFragment, MachineQuery } from '../graphql/graphql';
import { uncapitalized, wordsOf } from './names';

type Described = MachineQuery['machine'];

/** A column, or what an event must be told; its type is written as in a document: `Int!`. */
export type MachineField = FieldFragment;
export type MachineState = Described['states'][number];
export type MachineEvent = Described['events'][number];

export interface Machine extends Described {
  /** What the API calls one of them, and many: `life`, `lives`. */
  readonly one: string;
  readonly many: string;
  /** The same in texts. */
  readonly words: { readonly one: string; readonly many: string };
  /** The event by which one begins; no state accepts it. */
  readonly beginning: MachineEvent;
}

/** The plurals that do not end in `s`. The query does not say them. */
const PLURALS: Readonly<Record<string, string>> = { life: 'lives' };

/** @throws where it has no beginning, or names and types that are none to GraphQL: documents are made of them */
export function describe(machine: Described): Machine {
  const { name, states, events, fields } = machine;
  const accepted = new Set(states.flatMap(({ transitions }) => transitions.map((t) => t.event)));
  const beginning = events.find(({ event }) => !accepted.has(event));
  if (beginning === undefined) throw new TypeError(`Nothing begins a ${name}.`);
  const said = [...fields, ...events.flatMap(({ data }) => data)];
  for (const each of [
    name,
    ...states.map(({ phase }) => phase),
    ...events.map(({ mutation }) => mutation),
    ...said.map((field) => field.name),
  ]) {
    assertName(each);
  }
  for (const { type } of said) parseType(type);
  const one = uncapitalized(name);
  const many = PLURALS[one] ?? `${one}s`;
  return { ...machine, one, many, words: { one: wordsOf(one), many: wordsOf(many) }, beginning };
}

/** @returns the final state that an event may lead to from a phase; undefined where something always follows */
export function endBy({ states }: Machine, phase: string, event: string): string | undefined {
  const arrows = states.find((state) => state.phase === phase)?.transitions ?? [];
  return arrows
    .filter((arrow) => arrow.event === event)
    .find(({ to }) => states.some((state) => state.phase === to && state.final))?.to;
}

export const MachineContext = createContext<Machine | undefined>(undefined);

export function useMachine(): Machine {
  const machine = useContext(MachineContext);
  if (machine === undefined) throw new Error('There is no machine around this.');
  return machine;
}

/** Which of the colours is a phase's: its place in the machine's list. */
export function useColour(): (phase: string) => number {
  const { states } = useMachine();
  return (phase) =>
    Math.max(
      0,
      states.findIndex((state) => state.phase === phase),
    ) % COLOURS;
}

/** As many as style.css has. */
const COLOURS = 6;
