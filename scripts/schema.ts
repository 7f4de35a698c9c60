/** Writes schema.graphql, for reviewers, clients and tools. A test compares it. */
import { writeFileSync } from 'node:fs';
import { printSchema } from 'graphql';
import { createSchema } from 'persistent-machine/graphql/schema';
import { served } from '../src/application';

writeFileSync('schema.graphql', `${printSchema(createSchema(served.machines))}\n`);
