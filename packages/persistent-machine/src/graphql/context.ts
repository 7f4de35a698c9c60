/** What every resolver is given: the served machines, and the facts of the request. Does not know the transport. */
import type { Feed } from '../feed/Feed';
import type { AnyLifecycle } from '../machine';
import type { MachineReader } from '../store/MachineReader';
import type { MachineStore } from '../store/MachineStore';

/** Changes, reads and follows the machines of one kind. */
export interface MachineService<L extends AnyLifecycle> {
  readonly store: MachineStore<L>;
  readonly reader: MachineReader<L>;
  readonly feed: Feed<L>;
}

/** All kinds of machines that are served. */
export class Machines {
  /** `serve` sets a service under its own lifecycle, so `of` may restore the type. */
  readonly #services = new Map<AnyLifecycle, unknown>();
  readonly #areFull: (() => boolean)[] = [];

  serve<L extends AnyLifecycle>(lifecycle: L, service: MachineService<L>): void {
    this.#services.set(lifecycle, service);
    this.#areFull.push(() => service.store.lanes.isFull);
  }

  /** @throws Error if this kind is not served */
  of<L extends AnyLifecycle>(lifecycle: L): MachineService<L> {
    const service = this.#services.get(lifecycle);
    if (service === undefined) throw new Error('This kind of machine is not served.');
    return service as MachineService<L>;
  }

  /** In the order in which they are served. */
  get served(): readonly AnyLifecycle[] {
    return [...this.#services.keys()];
  }

  /** The plural names of all kinds that are served. */
  get plurals(): readonly string[] {
    return this.served.map(({ machine }) => machine.plural);
  }

  /** Whether a lane of some kind is full, so that admission refuses the next request. */
  get isFull(): boolean {
    return this.#areFull.some((isFull) => isFull());
  }
}

/** What all requests share. */
export interface Services {
  readonly machines: Machines;
  /** A new UUID, version 7. */
  readonly newId: () => string;
}

export interface Context extends Services {
  readonly requestId: string;
  /** Holds the name of the first refusal, for the log and the metrics. */
  readonly observation: { refusal: string | undefined };
  /**
   * When the request times out, on the clock of `performance.now()`. Each result of a subscription has a deadline of
   * its own.
   */
  readonly deadline: number;
  /** The subject of the client's token; null if the server takes requests without one. */
  readonly actor: string | null;
  /** The scopes of the client's token; null if the server takes requests without one. */
  readonly scopes: ReadonlySet<string> | null;
}
