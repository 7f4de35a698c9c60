/** Writes introspection.json, the schema as Graphcache needs it: the types without their descriptions. */
import { readFileSync, writeFileSync } from 'node:fs';
import { minifyIntrospectionQuery } from '@urql/introspection';
import { buildSchema, introspectionFromSchema } from 'graphql';

const schema = buildSchema(readFileSync(`${import.meta.dirname}/../../schema.graphql`, 'utf8'));
const introspection = minifyIntrospectionQuery(introspectionFromSchema(schema));
writeFileSync(`${import.meta.dirname}/introspection.json`, `${JSON.stringify(introspection)}\n`);
