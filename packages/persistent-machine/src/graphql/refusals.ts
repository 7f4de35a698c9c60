/**
 * The GraphQL types of refusals, both general ones and those that a machine declares. Each is a member of the result
 * unions of the events that it may refuse. The only place that knows which type shows which refusal.
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
    says: 'Why nothing was changed. People read `message`; programs read the name of the type.',
    fields: {
      message: {
        type: () => String,
        says: 'What went wrong, in a sentence.',
        of: ({ message }) => message,
      },
    },
  },
  // Else a schema would contain the refusals of machines that it does not serve.
  { autoRegisterImplementations: false },
);

function errorOf<R extends Refusal>(says: string, fields: ObjectOf<R>['fields']): ObjectOf<R> {
  return { says, implements: [TransitionErrorType], fields };
}

const OccurredAtOutOfRangeType = objectType<OccurredAtOutOfRange>(
  'OccurredAtOutOfRange',
  errorOf('`occurredAt` is before the last transition, or in the future.', {
    earliest: {
      type: () => DateTime,
      says: 'When the last transition occurred.',
      of: ({ earliest }) => earliest,
    },
    latest: {
      type: () => DateTime,
      says: 'Five seconds from now, or `earliest` if that is later.',
      of: ({ latest }) => latest,
    },
  }),
);

const IdempotencyKeyReusedType = objectType<IdempotencyKeyReused>(
  'IdempotencyKeyReused',
  errorOf('The key was used before with another event, `occurredAt` or data.', {
    idempotencyKey: {
      type: () => String,
      says: 'The key.',
      of: ({ idempotencyKey }) => idempotencyKey,
    },
  }),
);

export interface Refusals {
  /** The types of the refusals that an event may meet. */
  readonly typesOf: (event: string) => readonly AnyViewClass[];
  /** The view of a refusal. Its class has the name of the GraphQL type. */
  readonly viewOf: (refusal: Refusal) => View<Refusal>;
}

/** A kind of refusal, and the class of its views. */
type Shown = readonly [abstract new (...facts: never) => Refusal, RefusalView];

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
      id: { type: () => ID, says: 'The id in the request.', of: ({ id }) => id },
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
        says: 'The events that this phase accepts.',
        of: ({ nextEvents }) => nextEvents,
      },
      [names.field]: {
        type: () => phases.machine,
        says: `The ${noun} as it is now. Its history shows the transition that came first.`,
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
        // `instanceof` has checked that the view fits the refusal.
        if (refusal instanceof kind) return new Type(refusal as never);
      }
      throw new TypeError(`No type of ${aNoun} shows a ${refusal.constructor.name}.`);
    },
  };
}

/** Machines that share a refusal share its type. */
const ownTypes = new WeakMap<RefusalClass, RefusalView>();

function ownType(refusal: RefusalClass, types: Types): RefusalView {
  const { name, says, fields } = refusal as RefusalClass & { readonly name: string };
  const facts: Record<string, ShownField<Refusal>> = {};
  for (const [key, column] of Object.entries(fields)) {
    facts[key] = fieldOf(column, false, (shown) => {
      // The compiler has checked that the class has the fields that it declares.
      return (shown as Refusal & Readonly<Record<string, unknown>>)[key];
    });
  }
  const type = ownTypes.get(refusal) ?? objectType(name, errorOf(says, facts));
  ownTypes.set(refusal, type);
  return types.take(name, type);
}
