/**
 * Runs the suite for any machine on an order, with one partition and with several. Its events carry data, lead to
 * several states, and have a refusal of their own.
 */
import { openWithTablesOf } from '../integrity/databases';
import { order, orders } from '../machine/order';
import { describeMachine } from './describeMachine';

describe.each([1, 3])('with %i partitions:', (partitions) => {
  describeMachine(orders, openWithTablesOf(order, partitions));
});
