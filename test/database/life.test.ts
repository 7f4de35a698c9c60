/** The engine's tests of any machine, for lives. All of them are derived from the declaration. */
import { describeMachine } from '../../packages/persistent-machine/test/describeMachine/describeMachine';
import { lives } from '../../src/machine';
import { createTestDatabase } from '../harness';

describeMachine(lives, createTestDatabase);
