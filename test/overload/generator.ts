/**
 * A load generator in a process of its own: requests arrive at a fixed rate, however slow the answers are. It prints a
 * line when the last request is sent, and then the results.
 */
import { Agent, request } from 'node:http';

export interface Load {
  /** The server's URL, without a path. */
  readonly url: string;
  readonly document: string;
  /** The number of requests per second; null for as many as there is room for. */
  readonly rate: number | null;
  readonly seconds: number;
  /** The most unanswered requests. At this number the generator sends none. */
  readonly room: number;
}

export interface Outcome {
  readonly sent: number;
  /** Answered as if nothing were wrong. */
  readonly accepted: number;
  /** Refused by admission, or with an error, as OVERLOADED. */
  readonly refused: number;
  /** Every other result, with its number. */
  readonly strange: Readonly<Record<string, number>>;
  /** Accepted requests per second, from the first request sent to the last. */
  readonly throughput: number;
  /** The median time of a refusal, in milliseconds. */
  readonly medianRefusal: number;
  readonly medianAcceptance: number;
}

/** How often new requests are started, in milliseconds. */
const TICK = 5;

type Kind = 'accepted' | 'refused' | (string & {});

async function generate({ url, document, rate, seconds, room }: Load): Promise<Outcome> {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  const body = JSON.stringify({ query: document });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const counts = new Map<Kind, number>();
  const times = { accepted: [] as number[], refused: [] as number[] };
  let open = 0;
  let sent = 0;
  let acceptedInTime = 0;
  let sending = true;

  const ask = async (): Promise<void> => {
    const since = performance.now();
    open += 1;
    sent += 1;
    const kind = await new Promise<Kind>((resolve) => {
      request({ hostname, port, path: '/graphql', method: 'POST', headers, agent }, (response) => {
        const chunks: Buffer[] = [];
        response
          .on('data', (chunk: Buffer) => chunks.push(chunk))
          .on('end', () => {
            resolve(kindOf(response.statusCode, response.headers, Buffer.concat(chunks)));
          })
          .on('error', (error) => {
            resolve(`broken off: ${error.message}`);
          });
      })
        .on('error', (error) => {
          resolve(`no answer: ${error.message}`);
        })
        .end(body);
    });
    open -= 1;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    if (kind !== 'accepted' && kind !== 'refused') return;
    times[kind as keyof typeof times].push(performance.now() - since);
    if (kind === 'accepted' && sending) acceptedInTime += 1;
  };

  const begin = performance.now();
  const asked: Promise<void>[] = [];
  await new Promise<void>((resolve) => {
    const tick = setInterval(() => {
      const elapsed = performance.now() - begin;
      if (elapsed >= seconds * 1_000) {
        clearInterval(tick);
        resolve();
        return;
      }
      const due = rate === null ? room - open : Math.floor((elapsed / 1_000) * rate) - sent;
      for (let count = Math.min(due, room - open); count > 0; count -= 1) asked.push(ask());
    }, TICK);
  });
  sending = false;
  const took = (performance.now() - begin) / 1_000;
  console.log('sent');
  await Promise.all(asked);
  agent.destroy();
  const {
    accepted = 0,
    refused = 0,
    ...strange
  } = Object.fromEntries(counts) as Record<string, number>;
  return {
    sent,
    accepted,
    refused,
    strange,
    throughput: acceptedInTime / took,
    medianRefusal: median(times.refused),
    medianAcceptance: median(times.accepted),
  };
}

function kindOf(
  status: number | undefined,
  headers: Readonly<Record<string, unknown>>,
  body: Buffer,
): Kind {
  // The parse fails if the answer is no JSON object.
  const { errors } = JSON.parse(body.toString()) as {
    errors?: readonly { readonly extensions: { readonly code: string } }[];
  };
  const code = errors?.[0]?.extensions.code;
  if (status === 200 && errors === undefined) return 'accepted';
  if (status === 503 && headers['retry-after'] === undefined) return '503 without Retry-After';
  return code === 'OVERLOADED' ? 'refused' : `${status} ${code}`;
}

function median(times: number[]): number {
  return times.sort((one, other) => one - other)[Math.floor(times.length / 2)] ?? 0;
}

// The parameters come from the test.
void generate(JSON.parse(process.argv[2] ?? '') as Load).then((outcome) => {
  console.log(JSON.stringify(outcome));
});
