/**
 * One operation of a document that was accepted, executed again and again: as graphql-js does it, and once
 * it was executed often, compiled. Does not know where its events come from, nor who is answered.
 */
import {
  BREAK,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
  type OperationDefinitionNode,
  execute as interpret,
  visit,
} from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import type { Context } from '../resolvers/context';

/** How often an operation is interpreted first: to compile it costs as much as a hundred executions save. */
const WORTH_COMPILING = 100;

/** How many selections in one another are compiled, the operation's own among them. */
const DEEPEST = 4;

export class Executable {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly #schema: GraphQLSchema;
  #executions = 0;
  #compiled: CompiledQuery | undefined;

  /** @param operation one of the document's; its only one, where it has no name */
  constructor(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) {
    this.#schema = schema;
    this.document = document;
    this.operation = operation;
  }

  /**
   * @param event what the fields are resolved from
   * @param variables as a client sent them, and as they were found to be right
   */
  async execute(
    event: object,
    contextValue: Context,
    variables: Readonly<Record<string, unknown>>,
  ): Promise<ExecutionResult> {
    this.#executions += 1;
    if (this.#executions === WORTH_COMPILING) this.#compile();
    if (this.#compiled) return this.#compiled.query(event, contextValue, variables);
    return interpret({
      schema: this.#schema,
      document: this.document,
      operationName: this.operation.name?.value,
      rootValue: event,
      contextValue,
      variableValues: variables,
    });
  }

  #compile(): void {
    if (!mayBeCompiled(this.document)) return;
    const compiled = compileQuery(this.#schema, this.document, this.operation.name?.value);
    if (isCompiledQuery(compiled)) this.#compiled = compiled;
  }
}

/**
 * What is interpreted for good, since graphql-jit 0.8 cannot be trusted with it:
 *
 * - texts, which it writes into the code that it makes, from where they can break out. Without them a document can
 *   put nothing into code but GraphQL's names and numbers; of the names just one means something to JavaScript;
 * - directives, which it forgets where a fragment or a field is selected in two places;
 * - variables with defaults, whose nulls it lets through to where none may be;
 * - fragments with names, and deep documents: it writes each out wherever it is used, once for each type that
 *   may be there, so that a few hundred bytes become megabytes of code.
 */
export function mayBeCompiled(document: DocumentNode): boolean {
  let may = true;
  let depth = 0;
  const found = (): typeof BREAK => {
    may = false;
    return BREAK;
  };
  visit(document, {
    StringValue: found,
    Directive: found,
    FragmentDefinition: found,
    Name: ({ value }) => (value === '__proto__' ? found() : undefined),
    VariableDefinition: ({ defaultValue }) => (defaultValue ? found() : undefined),
    SelectionSet: {
      enter: () => {
        depth += 1;
        return depth > DEEPEST ? found() : undefined;
      },
      leave: () => {
        depth -= 1;
      },
    },
  });
  return may;
}
