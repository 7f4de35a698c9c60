/** The type `StateMachine`: the machine's own list, for tools that draw it or offer its events. */
import { Field, ObjectType } from 'type-graphql';
import type { Edge } from 'persistent-machine/machine';
import { type LifeEvent, type LifeState, life, lives } from '../../machine';
import { LifeEventEnum, PhaseEnum } from './enums';

@ObjectType('MachineTransition', { simpleResolvers: true, description: 'An arrow of the machine.' })
export class MachineTransition {
  @Field(() => LifeEventEnum, { description: 'The event that is accepted.' })
  readonly event: LifeEvent;

  @Field(() => PhaseEnum, { description: 'Where it leads.' })
  readonly to: LifeState;

  constructor({ event, to }: Edge<LifeState, LifeEvent>) {
    this.event = event;
    this.to = to;
  }
}

@ObjectType('MachineState', { simpleResolvers: true, description: 'A state of the machine.' })
export class MachineState {
  @Field(() => PhaseEnum, { description: 'The phase of a life in this state.' })
  readonly phase: LifeState;

  @Field(() => Boolean, { description: 'Whether a life begins here.' })
  readonly initial: boolean;

  @Field(() => Boolean, { description: 'Whether nothing follows.' })
  readonly final: boolean;

  @Field(() => [MachineTransition], { description: 'What this state accepts.' })
  readonly transitions: readonly MachineTransition[];

  constructor(state: LifeState) {
    this.phase = state;
    this.initial = state === life.declaration.initial.to;
    this.transitions = lives.edges
      .filter(({ from }) => from === state)
      .map((edge) => new MachineTransition(edge));
    this.final = this.transitions.length === 0;
  }
}

@ObjectType('StateMachine', {
  simpleResolvers: true,
  description: 'The state machine itself, for tools that draw it or offer its events.',
})
export class StateMachine {
  @Field(() => [MachineState], { description: 'Its states.' })
  readonly states = lives.states.map((state) => new MachineState(state));

  @Field(() => String, { description: 'The machine as a Mermaid diagram.' })
  readonly mermaid = lives.mermaid();
}
