/**
 * Why a mutation changed nothing, as types: views of the machine's refusals, those of its own among them, each a member of
 * the result unions of the events that may be refused so. The one place that knows which type shows which refusal.
 */
import { ID } from 'type-graphql';
import {
  type AnyLifecycle,
  IdempotencyKeyReused,
  IllegalTransition,
  NotFound,
  OccurredAtOutOfRange,
  type Refusal,
  type RefusalClass,
} from '../machine';
import { fieldOf } from './columns';
import { DateTime } from './DateTime';
import type { Enums } from './enums';
import type { Names } from './names';
import type { PhaseTypes } from './phases';
import {
  type AnyViewClass,
  type ObjectOf,
  type ShownField,
  type Types,
  interfaceType,
  objectType,
} from './types';
import type { View } from './View';

const TransitionErrorType = interfaceType<Refusal>(
  'TransitionError',
  {
    says: 'What went wrong, for a person; the type’s name is the code for a program. Nothing was changed.',
    fields: {
      message: {
        type: () => String,
        says: 'What went wrong, in a sentence.',
        of: ({ message }) => message,
      },
    },
  },
  // Those of machines that a schema does not have are none of it.
  { autoRegisterImplementations: false },
);

function errorOf<R extends Refusal>(says: string, fields: ObjectOf<R>['fields']): ObjectOf<R> {
  return { says, implements: [TransitionErrorType], fields };
}

const OccurredAtOutOfRangeType = objectType<OccurredAtOutOfRange>(
  'OccurredAtOutOfRange',
  errorOf('`occurredAt` lies before the last transition, or in the future.', {
    earliest: {
      type: () => DateTime,
      says: 'When the last transition occurred.',
      of: ({ earliest }) => earliest,
    },
    latest: {
      type: () => DateTime,
      says: 'Five seconds from now, or `earliest` where that is later.',
      of: ({ latest }) => latest,
    },
  }),
);

const IdempotencyKeyReusedType = objectType<IdempotencyKeyReused>(
  'IdempotencyKeyReused',
  errorOf('The same key was used before, with another event, `occurredAt` or data.', {
    idempotencyKey: {
      type: () => String,
      says: 'The key.',
      of: ({ idempotencyKey }) => idempotencyKey,
    },
  }),
);

export interface Refusals {
  /** The members of the result union of an event that tell why it was refused. */
  readonly typesOf: (event: string) => readonly AnyViewClass[];
  /** The view of a refusal; its class has the name of its GraphQL type. */
  readonly viewOf: (refusal: Refusal) => View<Refusal>;
}

/** A kind of refusal, and the class of its views. */
type Shown = readonly [abstract new (...facts: never) => Refusal, RefusalView];

/** Of a kind of refusal. */
type RefusalView = new (refusal: never) => View<Refusal>;

export function refusalsOf(
  { machine: { declaration } }: AnyLifecycle,
  types: Types,
  names: Names,
  enums: Enums,
  phases: PhaseTypes,
): Refusals {
  const { noun, aNoun } = names;
  const notFound = types.object<NotFound>(
    names.own('NotFound'),
    errorOf(`There is no ${noun} with this id.`, {
      id: { type: () => ID, says: 'The id that was asked for.', of: ({ id }) => id },
    }),
  );
  const illegal = types.object<IllegalTransition>(
    names.illegal,
    errorOf(`The ${noun} does not accept this event in its phase.`, {
      event: {
        type: () => enums.event,
        says: 'The event that was refused.',
        of: ({ event }) => event,
      },
      from: { type: () => enums.phase, says: 'The phase that refused it.', of: ({ from }) => from },
      nextEvents: {
        type: () => [enums.event],
        says: 'What that phase accepts.',
        of: ({ nextEvents }) => nextEvents,
      },
      [names.field]: {
        type: () => phases.machine,
        says: `The ${noun} as it is now: the loser of a race sees in its history who won.`,
        of: ({ phase }) => phases.viewOf(phase),
      },
    }),
  );
  const general: readonly Shown[] = [
    [NotFound, notFound],
    [IllegalTransition, illegal],
    [OccurredAtOutOfRange, OccurredAtOutOfRangeType],
    [IdempotencyKeyReused, IdempotencyKeyReusedType],
  ];
  const own = new Map<RefusalClass, RefusalView>();
  for (const { refusals = [] } of Object.values(declaration.events)) {
    for (const refusal of refusals) {
      if (!own.has(refusal)) own.set(refusal, ownType(refusal, types));
    }
  }
  const shown: readonly Shown[] = [...general, ...own];
  return {
    typesOf: (event) => [
      ...general.map(([, type]) => type),
      ...(declaration.events[event]?.refusals ?? []).flatMap((each) => own.get(each) ?? []),
    ],
    viewOf: (refusal) => {
      for (const [kind, Type] of shown) {
        // Of this very kind, which its view shows.
        if (refusal instanceof kind) return new Type(refusal as never);
      }
      throw new TypeError(`No type of ${aNoun} shows a ${refusal.constructor.name}.`);
    },
  };
}

/** Of a refusal that several machines have, too, there is one type. */
const ownTypes = new WeakMap<RefusalClass, RefusalView>();

function ownType(refusal: RefusalClass, types: Types): RefusalView {
  const { name, says, fields } = refusal as RefusalClass & { readonly name: string };
  const facts: Record<string, ShownField<Refusal>> = {};
  for (const [key, column] of Object.entries(fields)) {
    facts[key] = fieldOf(column, false, (shown) => {
      // The compiler has checked that the class has its fields.
      return (shown as Refusal & Readonly<Record<string, unknown>>)[key];
    });
  }
  const type = ownTypes.get(refusal) ?? objectType(name, errorOf(says, facts));
  ownTypes.set(refusal, type);
  return types.take(name, type);
}
