/** What every resolver gets: the machines that are served, and who asks; the same for each way of asking. */
import type { Feed } from '../feed/Feed';
import type { AnyLifecycle } from '../machine';
import type { MachineReader } from '../store/MachineReader';
import type { MachineStore } from '../store/MachineStore';

/** By what the machines of one kind are changed, read and followed. */
export interface MachineService<L extends AnyLifecycle> {
  readonly store: MachineStore<L>;
  readonly reader: MachineReader<L>;
  readonly feed: Feed<L>;
}

/** All kinds of machines that are served. */
export class Machines {
  /** What is found under a lifecycle was put there with this very one, and so has its types. */
  readonly #services = new Map<AnyLifecycle, unknown>();
  readonly #areFull: (() => boolean)[] = [];

  serve<L extends AnyLifecycle>(lifecycle: L, service: MachineService<L>): void {
    this.#services.set(lifecycle, service);
    this.#areFull.push(() => service.store.lanes.isFull);
  }

  /** @throws Error where this kind is not served */
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

  /** Whether so many requests wait for one kind already that another one may be refused at once. */
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
  /** Where it is noted, for who watches over the service, that a transition was refused. */
  readonly observation: { refusal: string | undefined };
  /**
   * Until when it is to be answered, by `performance.now()`; whatever is done for it is given this. For what a
   * subscription is sent, of that result alone.
   */
  readonly deadline: number;
  /** Who asks: the token's subject; null when nobody is asked to say. */
  readonly actor: string | null;
  /** What the token allows; null when nobody is asked to say. */
  readonly scopes: ReadonlySet<string> | null;
}
