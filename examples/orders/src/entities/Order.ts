/** The table `orders`, with its history and its ledger. What else is wanted on it, such as an index, is written here. */
import { entitiesOf, entityOf } from 'persistent-machine/integrity';
import { Entity } from 'typeorm';
import { order } from '../machine/order';

@Entity()
export class Order extends entityOf(order) {}

export const orderEntities = entitiesOf(Order);
