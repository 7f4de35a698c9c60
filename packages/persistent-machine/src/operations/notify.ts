/** Notifies the sessions that listen. It needs no lane, since `Notifier` paces it. */
import type { Statement } from '../database/Database';

/** Takes two parameters: the channel and the payload. */
export const notify: Statement = { name: 'notify', text: 'SELECT pg_notify($1, $2)' };
