/**
 * A program: autocannon, in a process of its own, which serves one load after another. Requests are built
 * before the clock starts, so that what is measured is the server and not the generator.
 */
import autocannon from 'autocannon';
import { operations } from '../operations';
import { serve } from '../processes';
import { type Load, Stopwatch, type Throughput } from './load';

export interface HttpLoad extends Load {
  readonly url: string;
}

/** How long an answer may take, in seconds; the servers give up earlier. */
const TIMEOUT = 10;
/** How often autocannon looks whether it is time to end, in milliseconds. */
const RESOLUTION = 20;

async function generate(load: HttpLoad, begun: () => void): Promise<Throughput> {
  const { document: query, expected } = operations[load.operation];
  const bodies = load.variables.map((variables) => JSON.stringify({ query, variables }));
  // Each connection has requests of its own: a life is born once.
  let connection = 0;
  const requestsOfNext = (): { body: string }[] => {
    const first = connection++;
    const own = bodies.filter((_body, index) => index % load.connections === first);
    return (own.length > 0 ? own : bodies.slice(0, 1)).map((body) => ({ body }));
  };

  const stopwatch = new Stopwatch();
  return new Promise((resolve, reject) => {
    const run = autocannon(
      {
        url: `${load.url}/graphql`,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        connections: load.connections,
        duration: load.seconds,
        timeout: TIMEOUT,
        sampleInt: RESOLUTION,
        setupClient: (client) => {
          const requests = requestsOfNext();
          client.setRequests(requests);
          if (load.once) {
            endAfter(client, requests.length, () => {
              run.stop();
            });
          }
        },
        verifyBody: (body) => {
          // The body as a whole, as text: autocannon's types leave it open.
          const text = String(body);
          return text.includes(expected) && !text.includes('"errors"');
        },
      },
      // Its types say Error; there is null where there was none.
      (error: Error | null, { mismatches, errors }) => {
        if (error === null) resolve(stopwatch.stop({ recorded: mismatches, unrecorded: errors }));
        else reject(error);
      },
    );
    run.on('start', () => {
      stopwatch.start();
      begun();
    });
    run.on('response', (_client, _status, _bytes, milliseconds) => {
      stopwatch.record(milliseconds);
    });
  });
}

/** What autocannon's option `maxConnectionRequests` does, but for one connection, and its types do not know. */
function endAfter(client: autocannon.Client, requests: number, ended: () => void): void {
  const untyped = client as unknown as {
    responseMax: number;
    on(event: 'done', listener: () => void): void;
  };
  untyped.responseMax = requests;
  untyped.on('done', ended);
}

serve(generate);
