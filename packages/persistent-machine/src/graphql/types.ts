/**
 * How types that are made at run time are told to type-graphql: by its own decorators, called as the functions that they
 * are. Keeps the names that were given, since two types of one name are a mistake of the declaration. Does not know machines.
 *
 * The fields of a view are accessors, and are told as properties: type-graphql takes an accessor that it sees for a
 * resolver, and wraps it as one.
 */
import 'reflect-metadata';
import {
  Args,
  ArgsType,
  type ClassType,
  Ctx,
  Field,
  InterfaceType,
  ObjectType,
  createUnionType,
  registerEnumType,
} from 'type-graphql';
import type { Context } from './context';
import { type AbstractViewClass, SHOWN, View, type ViewClass } from './View';

/** What type-graphql knows as a type: a class, an enum's object, a union's symbol, a scalar; or a list of one. */
export type TypeThunk = () => object | symbol | [object];

interface FieldBase {
  readonly type: TypeThunk;
  /** `items`: the list is there, and what is in it may be null. */
  readonly nullable?: boolean | 'items';
  readonly says: string;
}

/** A field that shows what is there. */
export interface ShownField<T> extends FieldBase {
  readonly of: (shown: T) => unknown;
}

/** A field that asks for what it shows. */
export interface AskedField<T, Asked = never> extends FieldBase {
  readonly arguments?: ClassType;
  readonly ask: (shown: T, asked: Asked, context: Context) => Promise<unknown>;
}

export type Fields<T> = Readonly<Record<string, ShownField<T> | AskedField<T>>>;

/** What an argument is: a decorator of class-validator says a rule of it. */
export interface ArgumentOf extends FieldBase {
  readonly rules?: readonly PropertyDecorator[];
}

/** Of views of which nothing is known. */
export type AnyViewClass = new (shown: never) => View<unknown>;

/** What a class of views may extend: views of the same thing, of which less is known. */
export type BaseOf<T> = abstract new (shown: T) => View<unknown>;

export interface ObjectOf<T> {
  readonly says: string;
  /**
   * The interfaces that it implements. Its class extends that of the first, whose fields it shows as that does; which
   * interfaces that one implements must be named as well.
   */
  readonly implements?: readonly [BaseOf<T>, ...BaseOf<T>[]];
  readonly fields: Fields<T>;
}

/** The types of one machine. */
export class Types {
  readonly #byName = new Map<string, object | symbol>();

  /** What type-graphql knows each by. */
  get byName(): ReadonlyMap<string, object | symbol> {
    return this.#byName;
  }

  /** @param values of each constant: what it stands for, and what that means */
  enum(
    name: string,
    says: string,
    values: Readonly<Record<string, { readonly value: string; readonly says: string }>>,
  ): Readonly<Record<string, string>> {
    const entries = Object.entries(values);
    const constants = Object.fromEntries(entries.map(([key, { value }]) => [key, value]));
    registerEnumType(constants, {
      name,
      description: says,
      valuesConfig: Object.fromEntries(
        entries.map(([key, value]) => [key, { description: value.says }]),
      ),
    });
    return this.take(name, constants);
  }

  /** An interface whose views are of classes that extend it. */
  interface<T>(name: string, type: ObjectOf<T>): AbstractViewClass<T> {
    return this.take(name, interfaceType(name, type));
  }

  object<T>(name: string, type: ObjectOf<T>): ViewClass<T> {
    return this.take(name, objectType(name, type));
  }

  /** @param members in the order in which an object's class is looked for */
  union(name: string, says: string, members: readonly AnyViewClass[]): symbol {
    const types = (): ClassType[] => members as ClassType[];
    // A symbol; to TypeScript it is what an object of the union is.
    return this.take(
      name,
      createUnionType({ name, description: says, types }) as unknown as symbol,
    );
  }

  /**
   * Notes a name.
   *
   * @throws TypeError where another type has it
   */
  take<Type extends object | symbol>(name: string, type: Type): Type {
    if (this.#byName.has(name)) {
      throw new TypeError(
        `The schema would have two types ${name}: what one of them is named after needs another name.`,
      );
    }
    this.#byName.set(name, type);
    return type;
  }
}

/** @param options `autoRegisterImplementations`: whether a schema that has it has all types that implement it */
export function interfaceType<T>(
  name: string,
  { says, fields, implements: interfaces }: ObjectOf<T>,
  options: { readonly autoRegisterImplementations?: boolean } = {},
): AbstractViewClass<T> {
  const Interface = viewClass(name, interfaces?.[0]);
  InterfaceType(name, { description: says, implements: [...(interfaces ?? [])], ...options })(
    Interface,
  );
  describeFields(Interface, fields);
  return Interface;
}

export function objectType<T>(
  name: string,
  { says, fields, implements: interfaces }: ObjectOf<T>,
): ViewClass<T> {
  const Type = viewClass(name, interfaces?.[0]);
  ObjectType(name, {
    description: says,
    implements: [...(interfaces ?? [])],
    simpleResolvers: true,
  })(Type);
  describeFields(Type, fields);
  return Type;
}

function viewClass<T>(name: string, base: BaseOf<T> = View): ViewClass<T> {
  // What a view of less shows, it shows of T, too.
  return named(name, class extends base {} as ViewClass<T>);
}

/**
 * Arguments of a field. Flat, where a class could extend another one: type-graphql goes through a class's ancestors
 * with each request.
 */
export function argumentsType(
  name: string,
  fields: Readonly<Record<string, ArgumentOf>>,
): ClassType {
  // type-graphql fills it.
  // eslint-disable-next-line @typescript-eslint/no-extraneous-class
  const Arguments = named(name, class {});
  ArgsType()(Arguments);
  for (const [key, { type, nullable, says, rules = [] }] of Object.entries(fields)) {
    Field(type, optionsOf(says, nullable))(Arguments.prototype, key);
    for (const rule of rules) rule(Arguments.prototype, key);
  }
  return Arguments;
}

function describeFields<T>(Type: AbstractViewClass<T>, fields: Fields<T>): void {
  const prototype: object = Type.prototype as object;
  for (const [key, field] of Object.entries(fields)) {
    const { type, nullable, says } = field;
    const describe = Field(type, optionsOf(says, nullable));
    if ('of' in field) {
      const { of } = field;
      Object.defineProperty(prototype, key, {
        get(this: View<T>) {
          return of(this[SHOWN]);
        },
      });
      describe(prototype, key);
      continue;
    }
    const { ask } = field;
    const method = field.arguments
      ? async function (this: View<T>, asked: never, context: Context) {
          return ask(this[SHOWN], asked, context);
        }
      : async function (this: View<T>, context: Context) {
          return ask(this[SHOWN], NOTHING, context);
        };
    const descriptor: PropertyDescriptor = { value: method };
    Object.defineProperty(prototype, key, descriptor);
    describe(prototype, key, descriptor);
    const { arguments: Arguments } = field;
    if (Arguments) Args(() => Arguments)(prototype, key, 0);
    Ctx()(prototype, key, 1);
  }
}

/** What a field without arguments is asked; it cannot look at it. */
const NOTHING = undefined as never;

export function optionsOf(
  description: string,
  nullable: boolean | 'items' | undefined,
): { description: string; nullable?: boolean | 'items' } {
  return nullable === undefined ? { description } : { description, nullable };
}

/** A class with a name of its own, as stacks and error messages show it. */
export function named<C extends abstract new (...args: never) => object>(
  name: string,
  Class: C,
): C {
  Object.defineProperty(Class, 'name', { value: name });
  return Class;
}
