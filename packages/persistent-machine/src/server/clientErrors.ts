/**
 * Owns the answers to what never becomes a request: what is not HTTP, comes too slowly, or is too large for Node's
 * parser. They look like all other refusals. It deliberately does not know who counts and logs them.
 */
import { type IncomingMessage, STATUS_CODES, type Server, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { answerOn } from '../internals';
import { shortenedMessage } from './errorSizes';

/** Told of each refusal. @returns the id that its answer carries */
export type OnRefusal = (status: number) => string;

/** What a client is told, by Node's own code of the error; anything else is not HTTP. */
const REFUSALS: Readonly<Record<string, readonly [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to arrive.'],
  HPE_HEADER_OVERFLOW: [431, 'The address or the headers are too long.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'The chunk extensions are too long.'],
};
const NOT_HTTP = [400, 'This is not a request of HTTP/1.1.'] as const;

/**
 * How long a client may hold a connection on which it has sent nothing, in milliseconds: a browser opens some for
 * later. As long as one on which it waits after an answer.
 */
const LONGEST_SILENCE = 75_000;

/**
 * For how long the rest of what a client sends is read after its refusal, in milliseconds. Unread, it would have the
 * operating system reset the connection, and the client might never see why.
 */
const LINGER = 1_000;

export function answerClientErrors(server: Server, onRefusal: OnRefusal): void {
  /** Connections that end with the answers that they still get. */
  const ending = new WeakSet<Socket>();

  const refuse = (socket: Socket, status: number, message: string): void => {
    ending.add(socket);
    onceAnswered(socket, () => {
      const requestId = onRefusal(status);
      const body = JSON.stringify(errorBodyOf(message, requestId));
      socket.end(
        [
          `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
          'content-type: application/json; charset=utf-8',
          `content-length: ${Buffer.byteLength(body)}`,
          `x-request-id: ${requestId}`,
          `date: ${new Date().toUTCString()}`,
          'connection: close',
          '',
          body,
        ].join('\r\n'),
      );
      const overdue = setTimeout(() => socket.destroy(), LINGER).unref();
      socket.once('close', () => {
        clearTimeout(overdue);
      });
    });
  };

  server.on('clientError', (error: NodeJS.ErrnoException, client) => {
    // Typed as any stream, which it could be made by others.
    if (!(client instanceof Socket) || client.destroyed || ending.has(client)) return;
    if (error.code === 'ECONNRESET') return;
    const isLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    if (isLate && client.bytesRead === 0) {
      endIfSilent(client);
      return;
    }
    const [status, message] = REFUSALS[error.code ?? ''] ?? NOT_HTTP;
    const answer = answerOn(client);
    // The body of the request that is being answered has failed: its reader tells that.
    if (
      answer &&
      isUnfinished(answer) &&
      !answer.headersSent &&
      answer.req.listenerCount('error') > 0
    ) {
      ending.add(client);
      answer.req.emit('error', Object.assign(new Error(message), { statusCode: status }));
    } else {
      refuse(client, status, message);
    }
  });
  server.on('connect', (_request: IncomingMessage, client) => {
    if (client instanceof Socket) refuse(client, 405, 'This server is no proxy.');
  });
}

/** In the form of all errors. */
export function errorBodyOf(message: string, requestId: string): object {
  const extensions = { code: 'BAD_REQUEST', requestId };
  return { errors: [{ message: shortenedMessage(message), extensions }] };
}

/** Ends a connection once it has carried the answers to all requests that came whole. */
export function closeOnceAnswered(socket: Socket): void {
  onceAnswered(socket, () => {
    socket.destroySoon();
  });
}

/**
 * Calls back once a connection has carried the answers to all requests that came whole, so that nothing is taken for
 * the answer to another request; never, where its client leaves.
 */
function onceAnswered(socket: Socket, callback: () => void): void {
  // Where Node has taken its own listener away, a reset connection would else end the process.
  socket.on('error', () => undefined);
  // What comes meanwhile is not kept, and unread it would have the system reset the connection, answers included.
  socket.resume();
  const next = (): void => {
    // The next answer, if there is one, has the socket by now.
    const answer = answerOn(socket);
    if (answer && !(isUnfinished(answer) && !answer.headersSent)) answer.once('close', next);
    else if (!socket.destroyed) callback();
  };
  next();
}

/** Whether the request of an answer has not come whole, and never will once its connection has failed. */
function isUnfinished({ req }: ServerResponse): boolean {
  return !req.complete;
}

function endIfSilent(socket: Socket): void {
  const overdue = setTimeout(() => {
    if (socket.bytesRead === 0) socket.destroy();
  }, LONGEST_SILENCE).unref();
  socket.once('close', () => {
    clearTimeout(overdue);
  });
}
