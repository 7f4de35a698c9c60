/** What a declaration must not say, as far as the compiler can see it. The rest is in `checks.ts`. */
import type { Column } from './columns';
import type {
  AcceptedIn,
  At,
  ColumnOf,
  Declaration,
  EventOf,
  Has,
  May,
  StateOf,
  TransitionEventOf,
} from './declaration';

/** The states in which the column that takes the moment of E may have a value. */
type Holding<D extends Declaration, E> = {
  [S in StateOf<D>]: At<D, E> extends Has<D, S> | May<D, S> | 'createdAt' ? S : never;
}[StateOf<D>];

export interface Checked<D extends Declaration> {
  readonly initial: { readonly event: EventOf<D>; readonly to: StateOf<D> };
  readonly events: {
    readonly [E in keyof D['events']]: {
      readonly at: E extends D['initial']['event'] ? 'createdAt' : ColumnOf<D>;
      readonly sets?: readonly ColumnOf<D>[];
      readonly data?: { readonly [K in ColumnOf<D>]?: D['columns'][K] } & Readonly<
        Record<string, Column>
      >;
    };
  };
  readonly states: {
    readonly [S in keyof D['states']]: {
      readonly has?: readonly ColumnOf<D>[];
      readonly may?: readonly ColumnOf<D>[];
      readonly accepts?: {
        readonly [E in AcceptedIn<D, S>]: E extends TransitionEventOf<D>
          ? Holding<D, E> | readonly Holding<D, E>[]
          : never;
      };
    };
  };
}
