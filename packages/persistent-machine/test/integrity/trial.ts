/** Picks one change of any machine, on which all machines are tried alike. */
import { type Attempt, RULE, type Subjects, stepsOf } from './attempts';
import type { ByHand, Edge, Fault, Statements, Step } from './byHand';
import { sqlOf } from './samples';

export interface Trial {
  readonly byHand: ByHand;
  readonly subjects: Subjects;
  /** Begins another machine. */
  readonly begin: Step;
  readonly step: Step;
  /** An edge that may follow the step; undefined where the state is final. */
  readonly next: Edge | undefined;
  /** The id of the machine that is changed, as a constant of SQL. */
  readonly id: string;
  readonly legal: Statements;
  readonly withFault: (fault: Fault) => Statements;
}

export function trialOf(byHand: ByHand, subjects: Subjects): Trial {
  const step = stepsOf(byHand, subjects).find(({ before }) => before !== null);
  if (step === undefined) throw new Error(`${byHand.machine.name} never changes.`);
  return {
    byHand,
    subjects,
    begin: byHand.begin(subjects.unusedId),
    step,
    next: byHand.edges.find(({ from }) => from === step.edge.to),
    id: sqlOf(step.after['id'] ?? null),
    legal: byHand.statements(step),
    withFault: (fault) => byHand.statements(step, fault),
  };
}

/** A refusal by a trigger, in the words of its message. */
export function isRule(rule: string): { readonly code: string; readonly by: string } {
  return { code: RULE, by: rule };
}

/** Attempts that PostgreSQL refuses alike. */
export function group(
  refusal: Attempt['refusal'],
  attempts: Readonly<Record<string, readonly string[]>>,
): Attempt[] {
  return Object.entries(attempts).map(([title, statements]) => ({ title, refusal, statements }));
}

export function sumOf(
  ...all: readonly Readonly<Record<string, number>>[]
): Readonly<Record<string, number>> {
  const sum: Record<string, number> = {};
  for (const each of all) {
    for (const [state, number] of Object.entries(each)) sum[state] = (sum[state] ?? 0) + number;
  }
  return sum;
}
