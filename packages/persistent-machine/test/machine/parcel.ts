/** A declaration that keeps the rules, and functions that make it break one. */
import { Refusal, flag, int, machine as checkedMachine, moment, text } from '../../src/machine';

// The compiler does not see a declaration that is put together at run time.
export const machine = checkedMachine as (name: string, declaration: unknown) => unknown;

export class Damaged extends Refusal {
  static readonly says = 'It is damaged.';
  readonly message = 'It is damaged.';
}

export const sender = text({ min: 2, max: 10, pattern: /^[a-z]+$/, says: 'Who sends it.' });
export const grams = int({ min: 1, max: 1000, says: 'What it weighs.' });
export const columns = {
  sender,
  grams,
  fragile: flag({ says: 'Whether it breaks.' }),
  sentAt: moment({ says: 'When it was sent.' }),
};
export const events = {
  Packing: { verb: 'pack', at: 'createdAt', says: 'It is packed.', data: { sender } },
  Sending: { verb: 'send', at: 'sentAt', says: 'It is sent.', data: { grams }, sets: ['fragile'] },
};
export const states = {
  Packed: { says: 'Packed.', has: ['sender'], accepts: { Sending: 'Sent' } },
  Sent: { says: 'Sent.', has: ['sender', 'grams', 'sentAt'], may: ['fragile'] },
};
export const parcel = {
  says: 'A parcel.',
  columns,
  initial: { event: 'Packing', to: 'Packed' },
  events,
  states,
};
export const withColumn = (name: string, column: unknown): object => ({
  ...parcel,
  columns: { ...columns, [name]: column },
  events: { ...events, Sending: { ...events.Sending, sets: ['fragile', name] } },
  states: { ...states, Sent: { ...states.Sent, may: ['fragile', name] } },
});
export const withSending = (change: object): object => ({
  ...parcel,
  events: { ...events, Sending: { ...events.Sending, ...change } },
});
export const withPacking = (change: object): object => ({
  ...parcel,
  events: { ...events, Packing: { ...events.Packing, ...change } },
});
export const withEvent = (name: string, event: object, change: object = {}): object => ({
  ...parcel,
  events: { ...events, [name]: { verb: 'lose', at: 'sentAt', says: 'It is lost.', ...event } },
  states: {
    ...states,
    Sent: { ...states.Sent, accepts: { [name]: 'Sent' }, ...change },
  },
});
export const withPacked = (change: object): object => ({
  ...parcel,
  states: { ...states, Packed: { ...states.Packed, ...change } },
});
export const withSent = (change: object): object => ({
  ...parcel,
  states: { ...states, Sent: { ...states.Sent, ...change } },
});

export const note = text({ says: 'A note.' });

/** Tests that each declaration is refused with its sentence. */
export function refuses(
  faults: readonly (readonly [sentence: string, declaration: object])[],
): void {
  test.each(faults)('%s', (sentence, declaration) => {
    const declare = (): unknown => machine('Parcel', declaration);
    expect(declare).toThrow(TypeError);
    expect(declare).toThrow(`Parcel: ${sentence}`);
  });
}
