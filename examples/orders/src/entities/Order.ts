/** The table `orders`: where each order is now. What else is wanted on it, such as an index, is written here. */
import { entityOf } from 'persistent-machine/integrity';
import { Entity } from 'typeorm';
import { order } from '../machine/order';

@Entity()
export class Order extends entityOf(order) {}
