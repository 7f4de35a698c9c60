/**
 * The facts of a life, or of one of its versions: all columns of the machine, and what any life has. A column without a
 * value has its line, too, so that nothing moves once there is one.
 */
import type { ReactNode } from 'react';
import type { Snapshot } from '../machine/answers';
import { useMachine } from '../machine/machine';
import { labelOf, nameOf } from '../machine/names';
import { PhaseName } from '../machine/PhaseName';
import { Value } from '../machine/Value';
import { Moment } from '../parts/Moment';

export function FactList({ facts }: { facts: Snapshot }): ReactNode {
  const { beginning, fields } = useMachine();
  return (
    <dl className="facts">
      <dt>Phase</dt>
      <dd>
        <PhaseName phase={facts.phase} />
      </dd>
      <dt>Version</dt>
      <dd className="number">{facts.version}</dd>
      <dt>{nameOf(beginning.event)}</dt>
      <dd>
        <Moment at={facts.createdAt} />
      </dd>
      {fields.map((field) => (
        <Fact key={field.name} label={labelOf(field)} description={field.description}>
          <Value type={field.type} value={facts[field.name]} />
        </Fact>
      ))}
      <dt>Recorded</dt>
      <dd>
        <Moment at={facts.updatedAt} />
      </dd>
    </dl>
  );
}

function Fact({
  label,
  description,
  children,
}: {
  label: string;
  description: string;
  children: ReactNode;
}): ReactNode {
  return (
    <>
      <dt title={description}>{label}</dt>
      <dd>{children}</dd>
    </>
  );
}
