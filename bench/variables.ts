/** Makes the variables of the measured operations. */
import type { OperationName, Variables } from './operations';
import type { Case } from './series';
import type { Target } from './targets/target';

/** The number of different lives that the readers ask for. */
const KNOWN_LIVES = 10_000;

/** New lives, one for each request. */
export function freshLives(target: Target): Case['variables'] {
  return async (count) => (await target.conceive(count)).map((id) => ({ id }));
}

/** The same lives every time. */
export function knownLives(target: Target): Case['variables'] {
  let known: Promise<readonly Variables[]> | undefined;
  return async () => (known ??= freshLives(target)(KNOWN_LIVES));
}

export const nothing: Case['variables'] = async () => [{}];

/** No variables, but the database has lives for the answers. */
function nothingOf(target: Target): Case['variables'] {
  const known = knownLives(target);
  return async (count) => {
    await known(count);
    return [{}];
  };
}

/** @returns the variables of an operation: ids, if it is about a single life */
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
