/**
 * Processes of the benchmark: how one is started, asked and stopped, and how it answers. Does not know
 * what they are for.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What comes from a process: that it is ready, then to each question that it is begun, and what came of it. */
type Message = 'begun' | { readonly answer: unknown } | { readonly error: string };

/** Those that were started here, none of which is to outlive us. */
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill();
});

/** Sees to it that a process ends when this one does. */
export function adopt(child: ChildProcess): void {
  children.add(child);
  child.on('exit', () => children.delete(child));
}

/** A program of this folder that runs in a process of its own. */
export class Worker {
  readonly #child: ChildProcess;
  #url = '';
  /** Whoever waits for its next answer. */
  #waiting: ((message: Message) => void) | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message: Message) => this.#waiting?.(message));
    child.on('exit', () => this.#waiting?.({ error: `${child.spawnargs.join(' ')} has ended.` }));
  }

  /**
   * @param program its path in this folder
   * @param environment beside the least that is needed, all that it gets to see
   * @returns the process, once it is ready
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
    // It was started: it has sent a message.
    return this.#child.pid ?? 0;
  }

  /** Where it listens; empty where it does not. */
  get url(): string {
    return this.#url;
  }

  /**
   * One question after the other: nothing says which answer is to which.
   *
   * @param begun told when the process has got ready for the question and begins
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
    // Whoever asks knows what the program answers.
    return message.answer as Answer;
  }
}

/** What every process needs of our environment; settings that somebody has in it must not change a measurement. */
export function minimalEnvironment(): Record<string, string> {
  const { PATH = '', TSX_TSCONFIG_PATH } = process.env;
  return { PATH, NODE_ENV: 'production', ...(TSX_TSCONFIG_PATH && { TSX_TSCONFIG_PATH }) };
}

/** Tells a process to end, and waits until it has. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/**
 * In a process that was started so: says that it is ready, and answers questions from now on.
 *
 * @param handle gets ready for a question, says that it has begun, and answers
 * @param url where else it listens
 */
// Whoever asks knows what the program is asked.
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
  // Nobody is left to ask.
  process.on('disconnect', () => process.exit());
  send({ answer: url });
}
