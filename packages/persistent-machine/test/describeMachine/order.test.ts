/** What holds for any machine, of an order, whose events carry data, lead to several states, and are refused for a reason of its own. */
import { openWithTablesOf } from '../integrity/databases';
import { order, orders } from '../machine/order';
import { describeMachine } from './describeMachine';

describeMachine(orders, openWithTablesOf(order));
