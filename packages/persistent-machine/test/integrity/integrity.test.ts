/** What PostgreSQL refuses of machines of several shapes, which are in one database. */
import { entitiesOf } from '../../src/integrity';
import { Door, Order, openWith } from './databases';
import { type MigratedDatabase, describeIntegrity } from './describeIntegrity';
import { door, order } from './machines';

const open = async (): Promise<MigratedDatabase> =>
  openWith([...Object.values(entitiesOf(Order)), ...Object.values(entitiesOf(Door))]);

describeIntegrity(order, open);
describeIntegrity(door, open);
