/** What holds for any machine, of a ticket, which begins with data of every kind. */
import { openWithTablesOf } from '../integrity/databases';
import { ticket, tickets } from '../store/ticket';
import { describeMachine } from './describeMachine';

describeMachine(tickets, openWithTablesOf(ticket));
