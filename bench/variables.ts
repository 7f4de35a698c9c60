/** What operations are asked about. */
import type { OperationName, Variables } from './operations';
import type { Case } from './series';
import type { Target } from './targets/target';

/** How many lives those who read are asked for. */
const KNOWN_LIVES = 10_000;

/** Lives that nothing has happened to, as many as asked for. */
export function freshLives(target: Target): Case['variables'] {
  return async (count) => (await target.conceive(count)).map((id) => ({ id }));
}

/** The same lives every time. */
export function knownLives(target: Target): Case['variables'] {
  let known: Promise<readonly Variables[]> | undefined;
  return async () => (known ??= freshLives(target)(KNOWN_LIVES));
}

export const nothing: Case['variables'] = async () => [{}];

/** Nothing, but there are lives to answer with. */
function nothingOf(target: Target): Case['variables'] {
  const known = knownLives(target);
  return async (count) => {
    await known(count);
    return [{}];
  };
}

/** Lives where the operation is about one. */
export function variablesFor(target: Target, operation: OperationName): Case['variables'] {
  switch (operation) {
    case 'birth':
      return freshLives(target);
    case 'life':
      return knownLives(target);
    case 'lives':
      return nothingOf(target);
    case 'conceive':
    case 'census':
    case 'typename':
      return nothing;
  }
}
