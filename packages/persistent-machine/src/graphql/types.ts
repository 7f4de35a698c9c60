/**
 * Registers types that are made at run time with type-graphql, by calling its decorators as functions. Refuses two
 * types of one name, which are a mistake in the declaration. Does not know machines.
 *
 * The fields of a view are accessors, but are registered as properties: type-graphql would wrap an accessor as a
 * resolver.
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

/**
 * What type-graphql takes as a type: a class, an enum's object, a union's symbol, a scalar, or a list of one of
 * these.
 */
export type TypeThunk = () => object | symbol | [object];

interface FieldBase {
  readonly type: TypeThunk;
  /** `items`: the list is never null, but its items may be. */
  readonly nullable?: boolean | 'items';
  readonly says: string;
}

/** A field that is computed from the view's object alone. */
export interface ShownField<T> extends FieldBase {
  readonly of: (shown: T) => unknown;
}

/** A field that reads from the database. */
export interface AskedField<T, Asked = never> extends FieldBase {
  readonly arguments?: ClassType;
  readonly ask: (shown: T, asked: Asked, context: Context) => Promise<unknown>;
}

export type Fields<T> = Readonly<Record<string, ShownField<T> | AskedField<T>>>;

/** An argument. Its rules are decorators of class-validator. */
export interface ArgumentOf extends FieldBase {
  readonly rules?: readonly PropertyDecorator[];
}

/** A class of views of anything. */
export type AnyViewClass = new (shown: never) => View<unknown>;

/** A class that a class of views may extend: views of T, or of a wider type. */
export type BaseOf<T> = abstract new (shown: T) => View<unknown>;

export interface ObjectOf<T> {
  readonly says: string;
  /**
   * The interfaces that it implements. Its class extends the class of the first and inherits its fields. The interfaces
   * of that one must be listed, too.
   */
  readonly implements?: readonly [BaseOf<T>, ...BaseOf<T>[]];
  readonly fields: Fields<T>;
}

/** The types of one machine. */
export class Types {
  readonly #byName = new Map<string, object | symbol>();

  /** What type-graphql knows each type by. */
  get byName(): ReadonlyMap<string, object | symbol> {
    return this.#byName;
  }

  /** @param values by the name of each constant: its internal value, and its description */
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

  /** An interface: a class that the classes of its implementations extend. */
  interface<T>(name: string, type: ObjectOf<T>): AbstractViewClass<T> {
    return this.take(name, interfaceType(name, type));
  }

  object<T>(name: string, type: ObjectOf<T>): ViewClass<T> {
    return this.take(name, objectType(name, type));
  }

  /** @param members in the order in which type-graphql tries them on an object */
  union(name: string, says: string, members: readonly AnyViewClass[]): symbol {
    const types = (): ClassType[] => members as ClassType[];
    // It is a symbol, though its declared type is that of an object of the union.
    return this.take(
      name,
      createUnionType({ name, description: says, types }) as unknown as symbol,
    );
  }

  /**
   * Records a name.
   *
   * @throws TypeError if another type has it
   */
  take<Type extends object | symbol>(name: string, type: Type): Type {
    if (this.#byName.has(name)) {
      throw new TypeError(
        `The schema would have two types ${name}. Rename the state, event or refusal that one of them is named after.`,
      );
    }
    this.#byName.set(name, type);
    return type;
  }
}

/** @param options `autoRegisterImplementations`: whether a schema with this interface has all of its implementations */
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
  // A view of a wider type can show a T.
  return named(name, class extends base {} as ViewClass<T>);
}

/**
 * The class of a field's arguments. It extends no other class, because type-graphql walks the ancestors of the class
 * with each request.
 */
export function argumentsType(
  name: string,
  fields: Readonly<Record<string, ArgumentOf>>,
): ClassType {
  // type-graphql assigns its fields.
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

/** Stands in for the arguments of a field that has none. */
const NOTHING = undefined as never;

export function optionsOf(
  description: string,
  nullable: boolean | 'items' | undefined,
): { description: string; nullable?: boolean | 'items' } {
  return nullable === undefined ? { description } : { description, nullable };
}

/** Names a class, for stack traces and error messages. */
export function named<C extends abstract new (...args: never) => object>(
  name: string,
  Class: C,
): C {
  Object.defineProperty(Class, 'name', { value: name });
  return Class;
}
