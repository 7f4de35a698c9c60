/** Notifies the sessions that listen. It waits in no lane: `Notifier` paces it. */
import type { Statement } from '../database/Database';

/** A statement with two parameters: the channel, and what is said on it. */
export const notify: Statement = { name: 'notify', text: 'SELECT pg_notify($1, $2)' };
