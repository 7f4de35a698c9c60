/** Begins a life, and says which. */
import { type ReactNode, useState } from 'react';
import { sentenceOf } from '../client/failures';
import { useSession } from '../session';
import { conceive } from './changes';
import { LifeId } from './LifeId';

export function ConceiveButton(): ReactNode {
  const { client } = useSession();
  const [isBusy, setBusy] = useState(false);
  const [told, setTold] = useState<ReactNode>();
  const begin = async (): Promise<void> => {
    setBusy(true);
    try {
      const { id } = await conceive(client);
      setTold(
        <>
          Conceived <LifeId id={id} />
        </>,
      );
    } catch (error) {
      setTold(sentenceOf(error));
    }
    setBusy(false);
  };
  return (
    <div className="conceive">
      <span role="status">{told}</span>
      {/* Not disabled while it is busy: a button that is loses the focus. */}
      <button className="primary" aria-busy={isBusy} onClick={() => void (isBusy || begin())}>
        Conceive
      </button>
    </div>
  );
}
