/** How a machine is asked to begin, or to move. */

export interface BeginRequest {
  /** Who asks; null when nobody was asked to say. */
  readonly actor: string | null;
  /** By `performance.now()`; left out: as long as a request may take, from now on. */
  readonly deadline?: number | undefined;
}

export interface TransitionRequest extends BeginRequest {
  /** The caller's word for when it occurred; left out: now. */
  readonly occurredAt?: Date | null | undefined;
  /** The same key again, of the same machine, answers what was recorded under it the first time. */
  readonly idempotencyKey?: string | null | undefined;
}
