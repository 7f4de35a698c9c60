/** How the names of the API are written for people, and which of them follow from others. Knows no machine. */

/** As people write what GraphQL spells in capitals: `IN_REVIEW` is In review. */
export function nameOf(constant: string): string {
  return capitalized(constant.toLowerCase().replaceAll('_', ' '));
}

/** As people write what GraphQL writes in one word: `paidCents` is paid cents. */
export function wordsOf(name: string): string {
  return name.replace(/(?<=.)[A-Z]/g, ' $&').toLowerCase();
}

/** What a column or a datum is called beside its value: the moment `bornAt` is Born. */
export function labelOf({ name, type }: { readonly name: string; readonly type: string }): string {
  const words = capitalized(wordsOf(name));
  return type.startsWith('DateTime') ? words.replace(/ at$/, '') : words;
}

/** The census's field of a phase: `IN_REVIEW` is counted as `inReview`. */
export function fieldOf(phase: string): string {
  return phase.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

export function capitalized(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function uncapitalized(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
