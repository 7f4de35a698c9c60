/** What holds for any machine, of lives: all of it derived from their declaration. */
import { describeMachine } from '../../packages/persistent-machine/test/describeMachine/describeMachine';
import { lives } from '../../src/machine';
import { createTestDatabase } from '../harness';

describeMachine(lives, createTestDatabase);
