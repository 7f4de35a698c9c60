/** A list of lives and one of them side by side, with a button. Knows neither the client nor how the feed is followed. */
import { type ReactNode, useState } from 'react';
import type { Life, Refusal } from '../lives';
import { useBirth, useFeed, useLife, useLives } from './hooks';

export function App(): ReactNode {
  const { isReady, error } = useFeed();
  const [selected, select] = useState<string>();
  return (
    <main>
      {error !== undefined && <Failure error={error} />}
      {isReady && <LifeList onSelect={select} />}
      {/* With a key: how the birth of one life went is not shown beside another. */}
      {isReady && selected !== undefined && <LifeDetail key={selected} id={selected} />}
    </main>
  );
}

function LifeList({ onSelect }: { readonly onSelect: (id: string) => void }): ReactNode {
  const { lives = [], error } = useLives();
  if (error) return <Failure error={error} />;
  return (
    <ul>
      {lives.map(({ id, __typename }) => (
        <li key={id}>
          <button
            onClick={() => {
              onSelect(id);
            }}
          >
            {id}
          </button>{' '}
          {__typename}
        </li>
      ))}
    </ul>
  );
}

function LifeDetail({ id }: { readonly id: string }): ReactNode {
  const { life, error } = useLife(id);
  const { birth, isPending, answer, error: failure } = useBirth();
  if (error) return <Failure error={error} />;
  if (life === undefined) return <p>Loading…</p>;
  if (life === null) return <p>There is no such life.</p>;
  return (
    <article aria-label="The life">
      <h1>{life.__typename}</h1>
      <p>Version {life.version}</p>
      <button
        disabled={isPending || !life.nextEvents.includes('BIRTH')}
        onClick={() => {
          birth(id);
        }}
      >
        {isPending ? 'Being born…' : 'Birth'}
      </button>
      {answer && <p role="status">{sentenceOf(answer)}</p>}
      {failure !== undefined && <Failure error={failure} />}
    </article>
  );
}

function Failure({ error }: { readonly error: unknown }): ReactNode {
  return <p role="alert">{error instanceof Error ? error.message : String(error)}</p>;
}

/** Each answer that the schema allows: when it gets another, this does not compile. */
function sentenceOf(answer: Life | Refusal): string {
  switch (answer.__typename) {
    case 'Gestating':
    case 'Alive':
    case 'Dead':
      return 'The birth is recorded.';
    case 'IllegalTransition':
      return `${answer.message} Another client was first: the life is ${answer.life.__typename}.`;
    case 'LifeNotFound':
    case 'OccurredAtOutOfRange':
    case 'IdempotencyKeyReused':
      return answer.message;
  }
}
