/** Puts a target without HTTP under the same closed loops, in the measured process itself. */
import { type Load, Stopwatch, type Throughput } from './load';

/**
 * @param requests each is sent once; the load ends early if they run out
 * @param send sends one request on one of the connections, which are numbered from 0
 * @returns when all requests are answered
 */
export async function closedLoop<Request>(
  { connections, seconds }: Pick<Load, 'connections' | 'seconds'>,
  requests: readonly Request[],
  begun: () => void,
  send: (request: Request, connection: number) => Promise<boolean>,
): Promise<Throughput> {
  begun();
  const stopwatch = new Stopwatch();
  let next = 0;
  let wrong = 0;
  const end = performance.now() + seconds * 1_000;
  const loop = async (connection: number): Promise<void> => {
    for (let begin = performance.now(); begin < end; begin = performance.now()) {
      const request = requests[next++];
      if (request === undefined) return;
      if (!(await send(request, connection))) wrong += 1;
      stopwatch.record(performance.now() - begin);
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, connection) => loop(connection)));
  return stopwatch.stop({ recorded: wrong, unrecorded: 0 });
}
