/**
 * A program: autocannon in a process of its own, which runs one load after another. It builds the requests before the
 * clock starts, so that the generator does not slow down the measurement.
 */
import autocannon from 'autocannon';
import { operations } from '../operations';
import { serve } from '../processes';
import { type Load, Stopwatch, type Throughput } from './load';

export interface HttpLoad extends Load {
  readonly url: string;
}

/** How long an answer may take, in seconds. The servers time out earlier. */
const TIMEOUT = 10;
/** How often autocannon checks whether to end, in milliseconds. */
const RESOLUTION = 20;

async function generate(load: HttpLoad, begun: () => void): Promise<Throughput> {
  const { document: query, expected } = operations[load.operation];
  const bodies = load.variables.map((variables) => JSON.stringify({ query, variables }));
  // Each connection has requests of its own, because a life is born only once.
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
          // The body is a string, which autocannon's types do not say.
          const text = String(body);
          return text.includes(expected) && !text.includes('"errors"');
        },
      },
      // Without an error it is null, which autocannon's types do not say.
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

/**
 * Limits one connection, as the option `maxConnectionRequests` limits all alike. autocannon's types do not have this.
 */
function endAfter(client: autocannon.Client, requests: number, ended: () => void): void {
  const untyped = client as unknown as {
    responseMax: number;
    on(event: 'done', listener: () => void): void;
  };
  untyped.responseMax = requests;
  untyped.on('done', ended);
}

serve(generate);
