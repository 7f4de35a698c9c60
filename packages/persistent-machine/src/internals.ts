/**
 * Owns every use of undocumented behaviour of Node or a library: one function for each, which says why no documented
 * way will do. Does not know its callers. `test/internals.test.ts` fails when such behaviour changes.
 */
import type { Server as HttpServer, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { Client, ClientConfig, Pool } from 'pg';
import type { DataSource } from 'typeorm';

/**
 * Lets a server answer clients that have closed their side after the request. `allowHalfOpen` is an option of
 * `node:net` only. Without this switch of its own, an HTTP server ends the socket before the answer.
 */
export function answerHalfOpenConnections(server: HttpServer): void {
  Object.assign(server, { httpAllowHalfOpen: true });
}

/** Stops accepting connections. The `close` of an HTTP server would also cut off all idle connections at once. */
export function stopListening(server: HttpServer): void {
  NetServer.prototype.close.call(server);
}

/** The answer that a socket carries now, written or not. Node documents only the way from an answer to its socket. */
export function answerOn(socket: Socket): ServerResponse | undefined {
  return (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

/**
 * Calls back once all earlier answers of the connection are written. Node documents this event for clients only, and
 * nothing else tells when it is a pipelined request's turn.
 */
export function onceItHasItsSocket(response: ServerResponse, callback: () => void): void {
  response.once('socket', callback);
}

/**
 * How many bytes of a socket the operating system has accepted. `bytesWritten` includes bytes that still wait, and
 * `writableLength` falls only with a whole chunk. By these two, a slow client with a large answer looks stalled.
 */
export function bytesTaken(socket: Socket): number {
  const { _handle: handle } = socket as Socket & {
    _handle?: { readonly bytesWritten: number; readonly writeQueueSize: number } | null;
  };
  return handle ? handle.bytesWritten - handle.writeQueueSize : 0;
}

/** The pool of a DataSource for PostgreSQL. TypeORM's types hide it, and offer query runners only. */
export function poolOf(dataSource: DataSource): Pool {
  return (dataSource.driver as unknown as { readonly master: Pool }).master;
}

/** Cuts off a connection to PostgreSQL. node-postgres can only ask PostgreSQL to end it, which may never answer. */
export function cutOff(client: Client): void {
  client.connection.stream.destroy();
}

/** The schema of a connected DataSource whose options name none. TypeORM's types hide it. */
export function schemaOf(dataSource: DataSource): string {
  const { schema = 'public' } = dataSource.driver as { readonly schema?: string };
  return schema;
}

/**
 * Makes a client forget what it has read from the environment: PGOPTIONS, PGREPLICATION, and, if PostgreSQL asks for a
 * password, PGPASSWORD and PGPASSFILE. node-postgres offers no way to ignore them.
 *
 * @param onPassword called when PostgreSQL asks for a password and none is given; throws
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
