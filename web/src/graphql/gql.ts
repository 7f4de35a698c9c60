/* eslint-disable */
import * as types from './graphql';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "query Machine {\n  machine {\n    name\n    states {\n      phase\n      initial\n      final\n      transitions {\n        event\n        to\n      }\n    }\n    events {\n      event\n      mutation\n      data {\n        ...Field\n      }\n    }\n    fields {\n      ...Field\n    }\n  }\n}\n\nfragment Field on MachineField {\n  name\n  type\n  description\n}": typeof types.MachineDocument,
};
const documents: Documents = {
    "query Machine {\n  machine {\n    name\n    states {\n      phase\n      initial\n      final\n      transitions {\n        event\n        to\n      }\n    }\n    events {\n      event\n      mutation\n      data {\n        ...Field\n      }\n    }\n    fields {\n      ...Field\n    }\n  }\n}\n\nfragment Field on MachineField {\n  name\n  type\n  description\n}": types.MachineDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query Machine {\n  machine {\n    name\n    states {\n      phase\n      initial\n      final\n      transitions {\n        event\n        to\n      }\n    }\n    events {\n      event\n      mutation\n      data {\n        ...Field\n      }\n    }\n    fields {\n      ...Field\n    }\n  }\n}\n\nfragment Field on MachineField {\n  name\n  type\n  description\n}"): (typeof documents)["query Machine {\n  machine {\n    name\n    states {\n      phase\n      initial\n      final\n      transitions {\n        event\n        to\n      }\n    }\n    events {\n      event\n      mutation\n      data {\n        ...Field\n      }\n    }\n    fields {\n      ...Field\n    }\n  }\n}\n\nfragment Field on MachineField {\n  name\n  type\n  description\n}"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;