/** The table `orders`, with the current record of each order. Further indexes are declared here. */
import { entityOf } from 'persistent-machine/integrity';
import { Entity } from 'typeorm';
import { order } from '../machine/order';

@Entity()
export class Order extends entityOf(order) {}
