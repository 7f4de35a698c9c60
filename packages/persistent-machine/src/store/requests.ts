/** The parameters of requests to begin and to move a machine. */

export interface BeginRequest {
  /** The authenticated client; null without authentication. */
  readonly actor: string | null;
  /** By `performance.now()`. Default: the store's `timeout` from now. */
  readonly deadline?: number | undefined;
}

export interface TransitionRequest extends BeginRequest {
  /** When the event occurred, by the caller's word. Default: now. */
  readonly occurredAt?: Date | null | undefined;
  /** A request with a key that this machine has seen gets what was recorded under the key the first time. */
  readonly idempotencyKey?: string | null | undefined;
}
