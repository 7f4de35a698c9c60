/** How a value of each of the API's types is asked for, read from a form, and made up. Knows no machine. */
import type { InputHTMLAttributes } from 'react';

interface Kind {
  /** How a browser asks for it. */
  readonly input: InputHTMLAttributes<HTMLInputElement>;
  /** From what a form has of it, which is null for what is not ticked. */
  readonly read: (entered: string | null) => unknown;
  /** Something that is likely to be allowed. */
  readonly example: () => unknown;
}

const KINDS: Readonly<Record<string, Kind>> = {
  Int: {
    // GraphQL's own bounds; the narrower ones of the machine are the server's to tell.
    input: { type: 'number', step: 1, min: -(2 ** 31), max: 2 ** 31 - 1, required: true },
    read: Number,
    example: () => 1 + Math.floor(Math.random() * 100),
  },
  DateTime: {
    input: { type: 'datetime-local', step: 1, required: true },
    // A moment of the reader's own time zone, as it is shown everywhere.
    read: (entered) => new Date(entered ?? '').toISOString(),
    example: () => new Date().toISOString(),
  },
  Boolean: {
    input: { type: 'checkbox' },
    read: (entered) => entered !== null,
    example: () => true,
  },
};

/** Any other type, an enum's too, is a text to JSON. */
const TEXT: Kind = {
  input: { type: 'text', autoComplete: 'off' },
  read: (entered) => entered ?? '',
  example: () => 'example',
};

/** @param type with or without the mark that it is never null */
function kindOf(type: string): Kind {
  return KINDS[type.replace('!', '')] ?? TEXT;
}

export function inputOf(type: string): Kind['input'] {
  return kindOf(type).input;
}

/** @param entered what the form has under a name, if anything */
export function valueOf(type: string, entered: FormDataEntryValue | null): unknown {
  return kindOf(type).read(typeof entered === 'string' ? entered : null);
}

export function exampleOf(type: string): unknown {
  return kindOf(type).example();
}
