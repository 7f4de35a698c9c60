/** The machines of this application, each with its lifecycle, its tables and its handwritten resolvers. */
import type { KeptMachine } from 'persistent-machine/application';
import { entitiesOf } from 'persistent-machine/integrity';
import { Life } from './entities';
import { lives } from './machine';
import { LifeResolver } from './resolvers/LifeResolver';

export const MACHINES = [
  { lifecycle: lives, entities: entitiesOf(Life), resolvers: [LifeResolver] },
] as const satisfies readonly KeptMachine[];
