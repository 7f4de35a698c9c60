/** The machine itself, which is the same for everybody at any time. */
import { Query, Resolver } from 'type-graphql';
import { StateMachine } from './types/StateMachine';

const machine = new StateMachine();

@Resolver()
export class MachineResolver {
  @Query(() => StateMachine, {
    description: 'The state machine itself, for tools that draw it or offer its events.',
  })
  machine(): StateMachine {
    return machine;
  }
}
