/**
 * The processes of the benchmark: how one is started and stopped, and how questions and answers pass. Does not know
 * their content.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A message from a process: it is ready; then for each question that it has begun, and the answer. */
type Message = 'begun' | { readonly answer: unknown } | { readonly error: string };

/** The child processes, none of which may outlive this process. */
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill();
});

/** Makes a process end with this one. */
export function adopt(child: ChildProcess): void {
  children.add(child);
  child.on('exit', () => children.delete(child));
}

/** A program of this folder that runs in a process of its own. */
export class Worker {
  readonly #child: ChildProcess;
  #url = '';
  /** Resolves the pending answer. */
  #waiting: ((message: Message) => void) | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message: Message) => this.#waiting?.(message));
    child.on('exit', () => this.#waiting?.({ error: `${child.spawnargs.join(' ')} has ended.` }));
  }

  /**
   * @param program its path in this folder
   * @param environment its variables, beside the few that every process needs
   * @returns the process, when it is ready
   */
  static async start(
    program: string,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Worker> {
    const env = { ...minimalEnvironment(), ...environment };
    const child = fork(join(__dirname, program), { env });
    adopt(child);
    const worker = new Worker(child);
    worker.#url = await worker.#nextAnswer<string>();
    return worker;
  }

  get pid(): number {
    // A process that has sent a message has a pid.
    return this.#child.pid ?? 0;
  }

  /** The URL that it listens at; empty if it does not. */
  get url(): string {
    return this.#url;
  }

  /**
   * Asks a question. Only one may be pending, because answers do not name their questions.
   *
   * @param begun called when the process has prepared the question and begins
   */
  async ask<Answer>(question: object, begun?: () => void): Promise<Answer> {
    this.#child.send(question);
    return this.#nextAnswer<Answer>(begun);
  }

  async stop(): Promise<void> {
    await end(this.#child);
  }

  async #nextAnswer<Answer>(begun?: () => void): Promise<Answer> {
    const message = await new Promise<Exclude<Message, 'begun'>>((resolve) => {
      this.#waiting = (next) => {
        if (next === 'begun') begun?.();
        else resolve(next);
      };
    });
    if ('error' in message) throw new Error(message.error);
    // The caller knows the type of the program's answers.
    return message.answer as Answer;
  }
}

/** The variables that every process needs. Others are withheld, because they could change a measurement. */
export function minimalEnvironment(): Record<string, string> {
  const { PATH = '', TSX_TSCONFIG_PATH } = process.env;
  return { PATH, NODE_ENV: 'production', ...(TSX_TSCONFIG_PATH && { TSX_TSCONFIG_PATH }) };
}

/** Ends a process, and waits for its exit. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/**
 * For a child process: reports that it is ready, and answers questions from then on.
 *
 * @param handle prepares a question, calls back when it begins, and returns the answer
 * @param url that it listens at as well
 */
// The parent knows the type of the program's questions.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function serve<Question>(
  handle: (question: Question, begun: () => void) => Promise<unknown>,
  url = '',
): void {
  const send = (message: Message): void => {
    process.send?.(message);
  };
  process.on('message', (question: Question) => {
    const begun = (): void => {
      send('begun');
    };
    handle(question, begun).then(
      (answer) => {
        send({ answer });
      },
      (error: unknown) => {
        send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      },
    );
  });
  // The parent has gone.
  process.on('disconnect', () => process.exit());
  send({ answer: url });
}
