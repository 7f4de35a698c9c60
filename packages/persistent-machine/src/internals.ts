/**
 * Owns every use of what Node or a library does not document: one function for each, which says why no documented
 * way will do. It deliberately does not know what for. `test/project/internals.test.ts` fails where one of them is no
 * longer what we take it for.
 */
import type { Server as HttpServer, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { Client, ClientConfig, Pool } from 'pg';
import type { DataSource } from 'typeorm';

/**
 * Has clients answered that have sent their request and closed their side. `allowHalfOpen` is an option of `node:net`
 * only: an HTTP server has this switch of its own, and without it ends the socket before the answer.
 */
export function answerHalfOpenConnections(server: HttpServer): void {
  Object.assign(server, { httpAllowHalfOpen: true });
}

/** Takes no more connections. HTTP's own `close` would also cut off at once all open connections that are idle. */
export function stopListening(server: HttpServer): void {
  NetServer.prototype.close.call(server);
}

/** The answer that a socket carries now, also while it is not written yet. Node tells an answer's socket only. */
export function answerOn(socket: Socket): ServerResponse | undefined {
  return (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

/**
 * Calls back once all answers ahead of this one are written. Node documents the event for clients only, and nothing
 * else that tells when a pipelined request's turn has come.
 */
export function onceItHasItsSocket(response: ServerResponse, callback: () => void): void {
  response.once('socket', callback);
}

/**
 * How many bytes the operating system has taken of what was written to a socket. `bytesWritten` counts those too that
 * wait, and `writableLength` falls only when a whole chunk is gone: by them, a slow client with a large answer looks
 * like one that takes nothing.
 */
export function bytesTaken(socket: Socket): number {
  const { _handle: handle } = socket as Socket & {
    _handle?: { readonly bytesWritten: number; readonly writeQueueSize: number } | null;
  };
  return handle ? handle.bytesWritten - handle.writeQueueSize : 0;
}

/** The pool of a DataSource for PostgreSQL. TypeORM types every driver alike, and gives out query runners only. */
export function poolOf(dataSource: DataSource): Pool {
  return (dataSource.driver as unknown as { readonly master: Pool }).master;
}

/** Cuts off a connection to PostgreSQL. node-postgres can only ask the server to end it, which may never answer. */
export function cutOff(client: Client): void {
  client.connection.stream.destroy();
}

/** The schema in which a connected DataSource has its tables, where no option names one: TypeORM types every driver alike. */
export function schemaOf(dataSource: DataSource): string {
  const { schema = 'public' } = dataSource.driver as { readonly schema?: string };
  return schema;
}

/**
 * Keeps from a client what it has read in the environment: PGOPTIONS and PGREPLICATION, and, asked only where the
 * server wants a password, PGPASSWORD and PGPASSFILE. For each setting that is not given node-postgres looks there.
 *
 * @param onPassword called when the server wants a password and none is given; throws
 */
export function forgetEnvironment(
  client: Client,
  config: ClientConfig,
  onPassword: () => never,
): void {
  const { connectionParameters } = client as unknown as {
    readonly connectionParameters: { options: unknown; replication: unknown };
  };
  connectionParameters.options = config.options;
  connectionParameters.replication = undefined;
  if (config.password === undefined) Object.assign(client, { password: onPassword });
}
