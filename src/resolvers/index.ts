/** What this application has in GraphQL: its machines, and of each the resolvers that are written by hand. */
import type { ServedMachine } from 'persistent-machine/graphql/schema';
import { lives } from '../machine';
import { LifeResolver } from './LifeResolver';

export const MACHINES = [
  { lifecycle: lives, resolvers: [LifeResolver] },
] as const satisfies readonly ServedMachine[];
