/** Runs the suite for any machine on a door, whose states form a cycle. */
import { openWithTablesOf } from '../integrity/databases';
import { door, doors } from '../machine/door';
import { describeMachine } from './describeMachine';

describeMachine(doors, openWithTablesOf(door));
