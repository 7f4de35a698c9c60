/** The tables, as TypeORM entities. */
import { entitiesOf } from 'persistent-machine/integrity';
import { Life } from './Life';

export * from './Life';

/** The table of lives, with its history and its ledger. */
export const lifeEntities = entitiesOf(Life);
