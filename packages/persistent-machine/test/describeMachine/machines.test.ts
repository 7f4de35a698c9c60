/** What holds for any machine, of a door that goes round, an order with data and a ticket that begins with data. */
import { openWithTablesOf } from '../integrity/databases';
import { door, doors } from '../machine/door';
import { order, orders } from '../machine/order';
import { ticket, tickets } from '../store/ticket';
import { describeMachine } from './describeMachine';

describeMachine(doors, openWithTablesOf(door));
describeMachine(orders, openWithTablesOf(order));
describeMachine(tickets, openWithTablesOf(ticket));
