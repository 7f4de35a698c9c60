/** What holds for any machine, of a door, which goes round. */
import { openWithTablesOf } from '../integrity/databases';
import { door, doors } from '../machine/door';
import { describeMachine } from './describeMachine';

describeMachine(doors, openWithTablesOf(door));
