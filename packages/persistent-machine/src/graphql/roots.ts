/**
 * Fields of the root types, each a resolver class of its own, so that a schema can be built without those that an
 * application writes by hand. Does not know what they ask.
 */
import {
  Args,
  type ClassType,
  Ctx,
  Mutation,
  Query,
  Resolver,
  Root,
  type SubscribeResolverData,
  Subscription,
} from 'type-graphql';
import { validateArguments } from './arguments';
import type { Context } from './context';
import { type TypeThunk, named, optionsOf } from './types';

/** A resolver is a class that type-graphql knows by its decorators alone. */
export type ResolverClass = new () => object;

interface RootBase {
  readonly name: string;
  readonly type: TypeThunk;
  readonly nullable?: boolean | 'items';
  readonly says: string;
}

interface AskedRoot<Asked> extends RootBase {
  readonly arguments?: ClassType;
  readonly ask: (asked: Asked, context: Context) => Promise<unknown>;
}

interface FollowedRoot<Asked, Each> extends RootBase {
  readonly arguments: ClassType;
  readonly follow: (asked: Asked, context: Context) => Promise<AsyncIterable<Each>>;
  /** What is sent of each. */
  readonly show: (each: Each) => unknown;
}

export function query<Asked>(root: AskedRoot<Asked>): ResolverClass {
  return asked(Query, root);
}

export function mutation<Asked>(root: AskedRoot<Asked>): ResolverClass {
  return asked(Mutation, root);
}

function asked<Asked>(
  operation: typeof Query | typeof Mutation,
  { name, type, nullable, says, arguments: Arguments, ask }: AskedRoot<Asked>,
): ResolverClass {
  // Without arguments the context comes first.
  const Class = Arguments
    ? class {
        async ask(given: Asked, context: Context): Promise<unknown> {
          return ask(given, context);
        }
      }
    : class {
        async ask(context: Context): Promise<unknown> {
          return ask(NOTHING as Asked, context);
        }
      };
  const options = { ...optionsOf(says, nullable), name };
  const prototype = resolver(name, Class, operation(type, options));
  if (Arguments) Args(() => Arguments)(prototype, METHOD, 0);
  Ctx()(prototype, METHOD, 1);
  return Class;
}

/** What a field without arguments is asked; it cannot look at it. */
const NOTHING: unknown = undefined;

export function subscription<Asked, Each>({
  name,
  type,
  nullable,
  says,
  arguments: Arguments,
  follow,
  show,
}: FollowedRoot<Asked, Each>): ResolverClass {
  const Class = class {
    ask(each: Each): unknown {
      return show(each);
    }
  };
  const subscribe = async ({
    args,
    context,
  }: SubscribeResolverData<unknown, object, Context>): Promise<AsyncIterable<Each>> => {
    // type-graphql hands arguments to `subscribe` as they came.
    const given = Object.assign(new Arguments(), args);
    validateArguments(given);
    return follow(given as Asked, context);
  };
  const options = { ...optionsOf(says, nullable), name, subscribe };
  const prototype = resolver(name, Class, Subscription(type, options));
  Root()(prototype, METHOD, 0);
  // Declared here, used by `subscribe`; not to be checked again with each event.
  Args(() => Arguments, { validate: false })(prototype, METHOD, 1);
  return Class;
}

/** The method of each class. */
const METHOD = 'ask';

function resolver(name: string, Class: ResolverClass, describe: MethodDecorator): object {
  Resolver()(named(name, Class));
  const prototype = Class.prototype as object;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, METHOD);
  if (descriptor) describe(prototype, METHOD, descriptor);
  return prototype;
}
