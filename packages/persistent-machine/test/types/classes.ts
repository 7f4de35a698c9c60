/** Classes that a machine cannot have. Never runs: a test compares the compiler's errors with these comments. */
import {
  IllegalTransition,
  type Moment,
  type OccurredAtOutOfRange,
  Refusal,
  classes,
  machine,
  moment,
} from '../../src/machine';
import { Closed, type Locked, Open, door, Locked as LockedDoor } from '../machine/door';
import {
  Cancelled,
  Delivered,
  Draft,
  Overpaid,
  Paid,
  Placed,
  Shipped,
  order,
} from '../machine/order';

void classes(order, { Draft, Placed, Paid, Shipped, Delivered, Cancelled });
// @ts-expect-error Property 'Delivered' is missing in type
void classes(order, { Draft, Placed, Paid, Shipped, Cancelled });
// @ts-expect-error Type 'typeof Open' is not assignable to type '"no state has this name"'.
void classes(order, { Draft, Placed, Paid, Shipped, Delivered, Cancelled, Open });
// @ts-expect-error Type 'typeof Delivered' is not assignable to type
void classes(order, { Draft, Placed, Paid, Shipped, Delivered: Cancelled, Cancelled: Delivered });

class Lacks extends order.phase('Shipped') {}
// @ts-expect-error Type 'typeof Lacks' is not assignable to type '"Shipped accepts Delivery, but lacks deliver"'.
void classes(order, { Draft, Placed, Paid, Shipped: Lacks, Delivered, Cancelled });

class TooMuch extends order.phase('Delivered') {
  cancel(): Cancelled {
    throw new Error(this.state.id);
  }
}
// @ts-expect-error Type 'typeof TooMuch' is not assignable to type '"Delivered does not accept Cancellation, but has cancel"'.
void classes(order, { Draft, Placed, Paid, Shipped, Delivered: TooMuch, Cancelled });

class LeadsElsewhere extends order.phase('Paid') {
  ship(data: { readonly carrier: string }, at: Moment): Shipped | OccurredAtOutOfRange {
    return this.become(Shipped, 'Shipment', at, data);
  }

  cancel(_: unknown, at: Moment): Shipped | OccurredAtOutOfRange {
    return this.become(Shipped, 'Shipment', at, { carrier: 'none' });
  }
}
// @ts-expect-error Type 'typeof LeadsElsewhere' is not assignable to type '"Paid.cancel does not return Cancelled, which Cancellation leads to"'.
void classes(order, { Draft, Placed, Paid: LeadsElsewhere, Shipped, Delivered, Cancelled });

class LeadsToAnother extends order.phase('Shipped') {
  deliver(at: Moment): Delivered | Shipped | OccurredAtOutOfRange {
    return at.occurredAt ? new Shipped(this.state) : this.become(Delivered, 'Delivery', at);
  }
}
// @ts-expect-error is not assignable to type '"Shipped.deliver does not return Delivered, which Delivery leads to"'.
void classes(order, { Draft, Placed, Paid, Shipped: LeadsToAnother, Delivered, Cancelled });

class Later extends order.phase('Shipped') {
  async deliver(at: Moment): Promise<Delivered | OccurredAtOutOfRange> {
    return this.become(Delivered, 'Delivery', at);
  }
}
// @ts-expect-error is not assignable to type '"Shipped.deliver does not return Delivered, which Delivery leads to"'.
void classes(order, { Draft, Placed, Paid, Shipped: Later, Delivered, Cancelled });

class TakesOther extends order.phase('Shipped') {
  deliver({ door: at }: { readonly door: string }): Delivered {
    throw new Error(`${this.state.id} ${at}`);
  }
}
// @ts-expect-error is not assignable to type '"Shipped.deliver does not take what Delivery carries"'.
void classes(order, { Draft, Placed, Paid, Shipped: TakesOther, Delivered, Cancelled });

class Holiday extends Refusal {
  static readonly says = 'Nothing is delivered.';
  readonly message = 'Nothing is delivered today.';
}

class RefusesOtherwise extends order.phase('Shipped') {
  deliver(at: Moment): Delivered | Holiday | OccurredAtOutOfRange {
    return at.occurredAt ? new Holiday() : this.become(Delivered, 'Delivery', at);
  }
}
// @ts-expect-error Type 'typeof RefusesOtherwise' is not assignable to type '"Shipped.deliver returns a refusal that Delivery does not list"'.
void classes(order, { Draft, Placed, Paid, Shipped: RefusesOtherwise, Delivered, Cancelled });

class RefusesAsAnother extends order.phase('Shipped') {
  deliver(at: Moment): Delivered | Overpaid | OccurredAtOutOfRange {
    return at.occurredAt ? new Overpaid(1) : this.become(Delivered, 'Delivery', at);
  }
}
// @ts-expect-error is not assignable to type '"Shipped.deliver returns a refusal that Delivery does not list"'.
void classes(order, { Draft, Placed, Paid, Shipped: RefusesAsAnother, Delivered, Cancelled });

class RefusesAsTheStore extends order.phase('Shipped') {
  deliver(): Delivered | IllegalTransition {
    return new IllegalTransition('Delivery', this);
  }
}
// @ts-expect-error is not assignable to type '"Shipped.deliver returns a refusal that Delivery does not list"'.
void classes(order, { Draft, Placed, Paid, Shipped: RefusesAsTheStore, Delivered, Cancelled });

// A verb need not meet all refusals that its event lists, nor lead to all states.
const ticket = machine('Ticket', {
  says: 'A ticket.',
  columns: { closedAt: moment({ says: 'When it was closed.' }) },
  initial: { event: 'Filing', to: 'Open' },
  events: {
    Filing: { verb: 'file', at: 'createdAt', says: 'It is filed.' },
    Closing: {
      verb: 'close',
      at: 'closedAt',
      says: 'It is closed.',
      refusals: [Overpaid, Holiday],
    },
  },
  states: {
    Open: { says: 'Open.', accepts: { Closing: ['Done', 'Rejected'] } },
    Done: { says: 'Done.', has: ['closedAt'] },
    Rejected: { says: 'Rejected.', has: ['closedAt'] },
  },
});
class Done extends ticket.phase('Done') {}
class Rejected extends ticket.phase('Rejected') {}
class NeverRejects extends ticket.phase('Open') {
  close(at: Moment): Done | Holiday | OccurredAtOutOfRange {
    return at.occurredAt ? new Holiday() : this.become(Done, 'Closing', at);
  }
}
void classes(ticket, { Open: NeverRejects, Done, Rejected });

// Two events lead from one state to another: a verb performs its own.
class Swapped extends door.phase('Open') {
  close(at: Moment<'Slamming'>): Closed | OccurredAtOutOfRange {
    return this.become(Closed, 'Slamming', at);
  }

  slam(at: Moment<'Slamming'>): Closed | OccurredAtOutOfRange {
    return this.become(Closed, 'Slamming', at);
  }
}
// @ts-expect-error Type 'typeof Swapped' is not assignable to type '"Open.close does not take what Closing carries"'.
void classes(door, { Open: Swapped, Closed, Locked: LockedDoor });
void classes(door, { Open, Closed, Locked: LockedDoor });

// The class belongs to a state of another machine, with the same name.
const otherDoor = machine('OtherDoor', {
  says: 'Another door.',
  columns: { movedAt: moment({ says: 'When it was moved.' }), shutAt: moment({ says: 'Shut.' }) },
  initial: { event: 'Start', to: 'Open' },
  events: {
    Start: { verb: 'start', at: 'createdAt', says: 'It begins.' },
    Shutting: { verb: 'shut', at: 'shutAt', says: 'It is shut.' },
    Motion: { verb: 'move', at: 'movedAt', says: 'It is moved.' },
  },
  states: {
    Open: { says: 'Open.', may: ['movedAt'], accepts: { Motion: 'Open', Shutting: 'Shut' } },
    Shut: { says: 'Shut.', has: ['shutAt'] },
  },
});
// @ts-expect-error Type 'typeof Open' is not assignable to type
void classes(otherDoor, { Open, Shut: otherDoor.phase('Shut') });
export type Kept = Locked;
