/**
 * The metrics for Prometheus, with their names, labels and units. Does not know its callers. No label has a value
 * that a client chooses: that would create time series without a bound.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** The values of one machine that each scrape reads. */
export interface MachineReadings {
  readonly name: string;
  /** How many requests wait, by lane. */
  readonly queues: () => Readonly<Record<string, number>>;
  readonly subscribers: () => number;
  /** How long the last transition took from its record to the feed, in milliseconds. */
  readonly feedLag: () => number;
  /**
   * The size of the ledger's table in bytes, which grows while a session holds an old snapshot; undefined if
   * PostgreSQL does not say.
   */
  readonly ledgerSize: () => Promise<number | undefined>;
}

/** All values that each scrape reads. */
export interface Readings {
  readonly machines: readonly MachineReadings[];
  readonly connections: () => {
    readonly total: number;
    readonly idle: number;
    readonly waiting: number;
  };
}

/** The counters of one machine. */
export interface MachineCounts {
  /** Counts a group that was sent. @param waited how long its first entry had waited, in milliseconds */
  readonly onGroup: (lane: string, size: number, waited: number) => void;
  /** Counts an event that a caller asked for. */
  readonly onTransition: (event: string, outcome: string) => void;
}

/** In seconds. A transition on an idle computer takes 3 ms; the default request timeout is 5 s. */
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
      help: 'Answered requests, by the kind of operation (none: refused before it was known) and the code of the first error',
      labelNames: ['operation', 'code'],
      registers,
    });
    this.#durations = new Histogram({
      name: 'graphql_request_duration_seconds',
      help: 'Time to the answer; for a subscription, until it was accepted or refused',
      labelNames: ['operation'],
      buckets: DURATIONS,
      registers,
    });
    this.#subscriptionErrors = new Counter({
      name: 'graphql_subscription_errors_total',
      help: 'Errors of accepted subscriptions, by code',
      labelNames: ['code'],
      registers,
    });
    this.#transitions = new Counter({
      name: 'machine_transitions_total',
      help: 'Events that callers asked for, by outcome; a lost swap is tried again',
      labelNames: ['machine', 'event', 'outcome'],
      registers,
    });
    this.#groupSizes = new Histogram({
      name: 'lane_group_size',
      help: 'Entries in one statement',
      labelNames: ['machine', 'lane'],
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
      registers,
    });
    this.#groupWaits = new Histogram({
      name: 'lane_wait_seconds',
      help: 'How long the first entry of a group waited for its statement',
      labelNames: ['machine', 'lane'],
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
      registers,
    });
    this.#failedReadings = new Counter({
      name: 'metrics_failed_readings_total',
      help: 'How often a metric could not be read, and was omitted',
      labelNames: ['metric'],
      registers,
    });
  }

  /** The media type of what `expose` returns. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** @returns all metrics that can be read, in the text format of Prometheus */
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
   * @param code of the first error; `OK` if there is none
   * @param duration in milliseconds
   */
  countRequest(operation: string, code: string, duration: number): void {
    this.#requests.inc({ operation, code });
    this.#durations.observe({ operation }, duration / 1_000);
  }

  countSubscriptionError(code: string): void {
    this.#subscriptionErrors.inc({ code });
  }

  /** @param machine its name, which becomes a label */
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

  /** Registers the values that each scrape reads. Must be called once. */
  read({ machines, connections }: Readings): void {
    this.#gauge(
      'lane_queue_length',
      'Entries that wait for a statement',
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
    this.#gauge('feed_subscribers', 'Open subscriptions', ['machine'], (set) => {
      for (const { name: machine, subscribers } of machines) set(subscribers(), { machine });
    });
    this.#gauge(
      'feed_lag_seconds',
      'How long the last transition took from its record to the feed',
      ['machine'],
      (set) => {
        for (const { name: machine, feedLag } of machines) set(feedLag() / 1_000, { machine });
      },
    );
    this.#readLedgers(machines);
  }

  /** Derives `database_up` from the same statements, so that a scrape needs no further one. */
  #readLedgers(machines: readonly MachineReadings[]): void {
    const read = async ({ ledgerSize }: MachineReadings): Promise<number | undefined> => {
      try {
        return await ledgerSize();
      } catch {
        return undefined;
      }
    };
    // Prometheus's client collects gauges concurrently, but starts them in this order: the second awaits the first's
    // reads.
    let sizes: Promise<(number | undefined)[]> = Promise.resolve([]);
    this.#gauge(
      'ledger_size_bytes',
      'Size of the ledger’s table; it grows while a session holds an old snapshot',
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
      'Whether the database answered during this scrape: 1 or 0',
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
