/**
 * Answers that wait for others on their connection (HTTP/1.1 pipelining): that they are told when it is lost. Does not
 * know what is answered.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Node tells only the answer whose turn it is. Any other that is a file or a stream would stay open for ever, for
 * nobody.
 */
export function tellWaitingAnswers(server: Server): void {
  const waiting = new WeakMap<Socket, Set<ServerResponse>>();
  server.on('request', ({ socket }: IncomingMessage, answer: ServerResponse) => {
    if (!isWaiting(answer)) return;
    const answers = waiting.get(socket) ?? new Set();
    answers.add(answer);
    answer.once('close', () => answers.delete(answer));
    if (waiting.has(socket)) return;
    waiting.set(socket, answers);
    socket.once('close', () => {
      for (const each of [...answers].filter(isWaiting)) {
        // As Node does it with the one.
        each.destroy();
        each.emit('close');
      }
    });
  });
}

/** Whether an answer's turn has not come; what has been sent to its end has no socket any more, either. */
export function isWaiting(answer: ServerResponse): boolean {
  return answer.socket === null && !answer.writableFinished;
}
