/** Runs the suite for any machine on a ticket, whose beginning carries data of every kind. */
import { openWithTablesOf } from '../integrity/databases';
import { ticket, tickets } from '../store/ticket';
import { describeMachine } from './describeMachine';

describeMachine(tickets, openWithTablesOf(ticket));
