/**
 * What is counted and measured, for Prometheus. Owns the names, the labels and their units; does not know who
 * counts. No label has a value that a client chooses, or the series would grow without a bound.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** What is read of one machine when somebody looks. */
export interface MachineReadings {
  readonly name: string;
  /** How many requests wait, by the lane in which they do. */
  readonly queues: () => Readonly<Record<string, number>>;
  readonly subscribers: () => number;
  /** How long the last transition took from being recorded to being in the feed, in milliseconds. */
  readonly feedLag: () => number;
  /**
   * How large the ledger's table is, in bytes: it grows while a session holds an old snapshot. undefined: the database
   * does not say.
   */
  readonly ledgerSize: () => Promise<number | undefined>;
}

/** What is read only when somebody looks. */
export interface Readings {
  readonly machines: readonly MachineReadings[];
  readonly connections: () => {
    readonly total: number;
    readonly idle: number;
    readonly waiting: number;
  };
}

/** What is counted of one machine. */
export interface MachineCounts {
  /** A group was sent. @param waited how long its first entry had waited, in milliseconds */
  readonly onGroup: (lane: string, size: number, waited: number) => void;
  /** A transition was asked for. */
  readonly onTransition: (event: string, outcome: string) => void;
}

/** In seconds; a transition on an idle computer takes three milliseconds, and a request five seconds at the most. */
const DURATIONS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'operation' | 'code'>;
  readonly #durations: Histogram<'operation'>;
  readonly #subscriptionErrors: Counter<'code'>;
  readonly #transitions: Counter<'machine' | 'event' | 'outcome'>;
  readonly #groupSizes: Histogram<'machine' | 'lane'>;
  readonly #groupWaits: Histogram<'machine' | 'lane'>;
  readonly #failedReadings: Counter<'metric'>;

  constructor() {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Counter({
      name: 'graphql_requests_total',
      help: 'Requests that were answered, by the kind of their operation (none: refused before one was known) and the code of their first error',
      labelNames: ['operation', 'code'],
      registers,
    });
    this.#durations = new Histogram({
      name: 'graphql_request_duration_seconds',
      help: 'How long an answer took; of a subscription, until it was accepted or refused',
      labelNames: ['operation'],
      buckets: DURATIONS,
      registers,
    });
    this.#subscriptionErrors = new Counter({
      name: 'graphql_subscription_errors_total',
      help: 'Errors that subscribers were told after their subscription had been accepted, by code',
      labelNames: ['code'],
      registers,
    });
    this.#transitions = new Counter({
      name: 'machine_transitions_total',
      help: 'Transitions that were asked for, by what became of them; a lost swap is tried again',
      labelNames: ['machine', 'event', 'outcome'],
      registers,
    });
    this.#groupSizes = new Histogram({
      name: 'lane_group_size',
      help: 'Entries of one statement',
      labelNames: ['machine', 'lane'],
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
      registers,
    });
    this.#groupWaits = new Histogram({
      name: 'lane_wait_seconds',
      help: 'How long the first entry of a group had waited when it was sent',
      labelNames: ['machine', 'lane'],
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
      registers,
    });
    this.#failedReadings = new Counter({
      name: 'metrics_failed_readings_total',
      help: 'How often a metric could not be read, and was left out',
      labelNames: ['metric'],
      registers,
    });
  }

  /** The media type of what `expose` returns. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** @returns all of it that can be read, as Prometheus reads it */
  async expose(): Promise<string> {
    const metrics = this.#registry.getMetricsAsArray().map(async ({ name }) => {
      try {
        return [await this.#registry.getSingleMetricAsString(name)];
      } catch {
        this.#failedReadings.inc({ metric: name });
        return [];
      }
    });
    return `${(await Promise.all(metrics)).flat().join('\n\n')}\n`;
  }

  /**
   * @param code of the first error; `OK` where there is none
   * @param duration in milliseconds
   */
  countRequest(operation: string, code: string, duration: number): void {
    this.#requests.inc({ operation, code });
    this.#durations.observe({ operation }, duration / 1_000);
  }

  countSubscriptionError(code: string): void {
    this.#subscriptionErrors.inc({ code });
  }

  /** @param machine its name, by which its series are told from those of other machines */
  ofMachine(machine: string): MachineCounts {
    return {
      onGroup: (lane, size, waited) => {
        this.#groupSizes.observe({ machine, lane }, size);
        this.#groupWaits.observe({ machine, lane }, waited / 1_000);
      },
      onTransition: (event, outcome) => {
        this.#transitions.inc({ machine, event, outcome });
      },
    };
  }

  /** Has these read whenever somebody looks; called once. */
  read({ machines, connections }: Readings): void {
    this.#gauge(
      'lane_queue_length',
      'Entries that wait for their statement',
      ['machine', 'lane'],
      (set) => {
        for (const { name: machine, queues } of machines) {
          for (const [lane, length] of Object.entries(queues())) set(length, { machine, lane });
        }
      },
    );
    this.#gauge('database_connections', 'Connections of the pool', ['state'], (set) => {
      const { total, idle, waiting } = connections();
      set(idle, { state: 'idle' });
      set(total - idle, { state: 'busy' });
      set(waiting, { state: 'wanted' });
    });
    this.#gauge('feed_subscribers', 'Subscriptions that are open', ['machine'], (set) => {
      for (const { name: machine, subscribers } of machines) set(subscribers(), { machine });
    });
    this.#gauge(
      'feed_lag_seconds',
      'From being recorded to being in the feed, of the last transition',
      ['machine'],
      (set) => {
        for (const { name: machine, feedLag } of machines) set(feedLag() / 1_000, { machine });
      },
    );
    this.#readLedgers(machines);
  }

  /** By what the database says of the ledgers it is known, too, whether it says anything. */
  #readLedgers(machines: readonly MachineReadings[]): void {
    const read = async ({ ledgerSize }: MachineReadings): Promise<number | undefined> => {
      try {
        return await ledgerSize();
      } catch {
        return undefined;
      }
    };
    // Gauges are collected in this order, and all at once: the second waits for what the first has asked.
    let sizes: Promise<(number | undefined)[]> = Promise.resolve([]);
    this.#gauge(
      'ledger_size_bytes',
      'The ledger’s table; it grows while somebody holds an old snapshot',
      ['machine'],
      async (set) => {
        sizes = Promise.all(machines.map(read));
        const found = await sizes;
        machines.forEach(({ name: machine }, index) => {
          set(found[index] ?? NaN, { machine });
        });
      },
    );
    this.#gauge(
      'database_up',
      'Whether the database answered this reading: 1 or 0',
      [],
      async (set) => {
        const isUp = (await sizes).some((size) => size !== undefined);
        set(isUp ? 1 : 0);
      },
    );
  }

  #gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    collect: (set: (value: number, labels?: Partial<Record<Label, string>>) => void) => unknown,
  ): void {
    const created = new Gauge<Label>({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect: async () => {
        await collect((value, labels = {}) => {
          created.set(labels, value);
        });
      },
    });
  }
}
