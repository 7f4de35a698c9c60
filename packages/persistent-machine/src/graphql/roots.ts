/**
 * Makes a resolver class for each derived field of a root type. One class per field lets a handwritten resolver replace
 * a single derived one. Does not know what a field does.
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

/** type-graphql knows a resolver by its decorators alone. */
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
  /** What the subscriber is sent for each item. */
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
  // Without arguments, the context is the first parameter.
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

/** Stands in for the arguments of a field that has none. */
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
    // type-graphql gives `subscribe` the raw arguments, unchecked.
    const given = Object.assign(new Arguments(), args);
    validateArguments(given);
    return follow(given as Asked, context);
  };
  const options = { ...optionsOf(says, nullable), name, subscribe };
  const prototype = resolver(name, Class, Subscription(type, options));
  Root()(prototype, METHOD, 0);
  // Only declares the arguments: `subscribe` has checked them, and a check per event would be waste.
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
