/**
 * Runs the suite for any machine on an order. Its events carry data, lead to several states, and have a refusal of
 * their own.
 */
import { openWithTablesOf } from '../integrity/databases';
import { order, orders } from '../machine/order';
import { describeMachine } from './describeMachine';

describeMachine(orders, openWithTablesOf(order));
