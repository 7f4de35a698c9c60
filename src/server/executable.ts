/**
 * One operation of a document that was accepted, executed again and again: as graphql-js does it, and once
 * it was executed often, compiled. Does not know what it is executed for, nor who is answered.
 */
import {
  BREAK,
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type Source,
  type SourceLocation,
  execute as interpret,
  visit,
} from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import type { Context } from '../resolvers/context';

/** How often an operation is interpreted first: to compile it costs as much as a hundred executions save. */
const WORTH_COMPILING = 100;

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
   * @param root what the fields are resolved from
   * @param variables as a client sent them
   */
  async execute(
    root: object | undefined,
    contextValue: Context,
    variables: Readonly<Record<string, unknown>>,
  ): Promise<ExecutionResult> {
    this.#executions += 1;
    if (this.#executions === WORTH_COMPILING) this.#compile();
    if (this.#compiled) {
      const result = await this.#compiled.query(root, contextValue, variables);
      // Without data nothing was executed: the variables are wrong, which graphql-js tells in its own words.
      if ('data' in result) return this.#withOwnErrors(result);
    }
    return interpret({
      schema: this.#schema,
      document: this.document,
      operationName: this.operation.name?.value,
      rootValue: root,
      contextValue,
      variableValues: variables,
    });
  }

  /** graphql-jit's errors are made as graphql-js makes them only in part, which is not enough for Apollo Server. */
  #withOwnErrors({ errors, ...result }: ExecutionResult): ExecutionResult {
    if (errors === undefined) return result;
    const source = this.document.loc?.source;
    return {
      errors: errors.map(
        ({ message, locations = [], path, originalError }) =>
          new GraphQLError(message, {
            source,
            positions: source && locations.map((location) => positionOf(source, location)),
            path,
            originalError,
          }),
      ),
      ...result,
    };
  }

  /**
   * Interpreted for good is what cannot be compiled, and what must not be: graphql-jit writes the texts of a
   * document into the code that it makes, from where they can break out. Without texts, a document can put nothing
   * into code but GraphQL's names and numbers, and of the names just one means something to JavaScript.
   */
  #compile(): void {
    if (mayBreakOut(this.document)) return;
    const compiled = compileQuery(this.#schema, this.document, this.operation.name?.value);
    if (isCompiledQuery(compiled)) this.#compiled = compiled;
  }
}

/** The inverse of graphql-js' `getLocation`. */
function positionOf({ body }: Source, { line, column }: SourceLocation): number {
  const [before] = [{ index: 0, 0: '' }, ...body.matchAll(/\r\n|[\n\r]/g)].slice(line - 1);
  return before ? before.index + before[0].length + column - 1 : 0;
}

function mayBreakOut(document: DocumentNode): boolean {
  let may = false;
  const found = (): typeof BREAK => {
    may = true;
    return BREAK;
  };
  visit(document, {
    StringValue: found,
    Name: ({ value }) => (value === '__proto__' ? found() : undefined),
  });
  return may;
}
