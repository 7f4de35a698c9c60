/**
 * Answers bytes that never become a request: they are not HTTP, arrive too slowly, or are too large for Node's parser.
 * The answers look like all other refusals. Does not know how they are counted and logged.
 */
import { type IncomingMessage, STATUS_CODES, type Server, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { answerOn } from '../internals';
import { shortenedMessage } from './errorSizes';

/** Called for each refusal. @returns the request id for its answer */
export type OnRefusal = (status: number) => string;

/** The answers by Node's error code. Any other code means that the bytes are not HTTP. */
const REFUSALS: Readonly<Record<string, readonly [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to arrive.'],
  HPE_HEADER_OVERFLOW: [431, 'The URL or the headers are too long.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'The chunk extensions are too long.'],
};
const NOT_HTTP = [400, 'This is not an HTTP/1.1 request.'] as const;

/**
 * How long a client may keep a connection on which it has sent nothing, in milliseconds. A browser opens some for
 * later. As long as the keep-alive after an answer.
 */
const LONGEST_SILENCE = 75_000;

/**
 * How long the server reads on after a refusal, in milliseconds. With unread data the operating system would reset the
 * connection, and the client might never see the answer.
 */
const LINGER = 1_000;

export function answerClientErrors(server: Server, onRefusal: OnRefusal): void {
  /** Connections that are refused already, and wait for earlier answers. */
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
    // Node's types allow any duplex stream here.
    if (!(client instanceof Socket) || client.destroyed || ending.has(client)) return;
    if (error.code === 'ECONNRESET') return;
    const isLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    if (isLate && client.bytesRead === 0) {
      endIfSilent(client);
      return;
    }
    const [status, message] = REFUSALS[error.code ?? ''] ?? NOT_HTTP;
    const answer = answerOn(client);
    // The body of the request in progress has failed, so its reader reports the error.
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
    if (client instanceof Socket) refuse(client, 405, 'This server is not a proxy.');
  });
}

/** The body of an error, in the form that all errors of the server have. */
export function errorBodyOf(message: string, requestId: string): object {
  const extensions = { code: 'BAD_REQUEST', requestId };
  return { errors: [{ message: shortenedMessage(message), extensions }] };
}

/** Ends a connection after the answers to all complete requests. */
export function closeOnceAnswered(socket: Socket): void {
  onceAnswered(socket, () => {
    socket.destroySoon();
  });
}

/**
 * Calls back after the answers to all complete requests of a connection, so that the client does not take what
 * follows for one of them. Never calls back if the client leaves.
 */
function onceAnswered(socket: Socket, callback: () => void): void {
  // Node may have removed its own listener, and an unhandled `error` would end the process.
  socket.on('error', () => undefined);
  // With unread data the operating system would reset the connection, and lose the answers.
  socket.resume();
  const next = (): void => {
    // Node has given the socket to the next answer by now, if there is one.
    const answer = answerOn(socket);
    if (answer && !(isUnfinished(answer) && !answer.headersSent)) answer.once('close', next);
    else if (!socket.destroyed) callback();
  };
  next();
}

/** Whether the request of an answer is incomplete. On a failed connection it stays so. */
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
