/** All resolvers of the schema. */
import type { Resolvers } from 'persistent-machine/graphql/schema';
import { LifeResolver } from './LifeResolver';
import { MachineResolver } from './MachineResolver';
import { NodeResolver } from './NodeResolver';
import { TransitionResolver } from './TransitionResolver';

export const RESOLVERS = [
  LifeResolver,
  NodeResolver,
  TransitionResolver,
  MachineResolver,
] as const satisfies Resolvers;
