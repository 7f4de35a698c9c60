/** The machine of this application. Imports nothing but the engine's own floor `machine`, and must not. */
export {
  CorruptRecord,
  IdempotencyKeyReused,
  IllegalTransition,
  type Moment,
  NotFound,
  OccurredAtOutOfRange,
  Refusal,
} from 'persistent-machine/machine';
export * from './life';
