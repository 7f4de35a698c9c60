/** The machine of this application. Must import nothing but the engine's pure part, `machine`. */
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
