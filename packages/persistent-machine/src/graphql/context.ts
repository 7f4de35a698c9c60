/** What every resolver gets: the machines that are served, and who asks; the same for each way of asking. */
import type { AnyLifecycle, MachinePhase, Refusal } from '../machine';
import type { Census, Order, Past, Transition } from '../store/MachineArchive';
import type { Page, PageRequest } from '../store/pages';
import type { Place } from '../store/place';

interface Store {
  find(id: string, deadline: number): Promise<MachinePhase | null>;
  begin(id: string, data: object, request: object): Promise<MachinePhase>;
  transition(
    id: string,
    event: string,
    data: object,
    request: object,
  ): Promise<MachinePhase | Refusal>;
}
interface Reader {
  past(id: string, past: Past, deadline: number): Promise<MachinePhase | null>;
  history(
    id: string,
    request: PageRequest,
    deadline: number,
  ): Promise<Page<Transition<MachinePhase>>>;
  machines(
    states: readonly string[] | null,
    order: Order,
    request: PageRequest,
    deadline: number,
  ): Promise<Page<MachinePhase> & { readonly total: number }>;
  feed(
    events: readonly string[] | null,
    request: PageRequest<Place>,
    deadline: number,
  ): Promise<Page<Transition<MachinePhase>>>;
  census(deadline: number): Promise<Census>;
}
interface Feed {
  changes(id: string, deadline: number): Promise<AsyncIterable<MachinePhase> | null>;
  transitions(
    events: readonly string[] | null,
    after: Place | undefined,
    deadline: number,
  ): Promise<AsyncIterable<Transition<MachinePhase>>>;
}

/** By what the machines of one kind are changed, read and followed. */
export interface MachineService {
  readonly store: Store;
  readonly reader: Reader;
  readonly feed: Feed;
}

/** All kinds of machines that are served. */
export class Machines {
  readonly #services = new Map<AnyLifecycle, MachineService>();

  serve(lifecycle: AnyLifecycle, service: MachineService): void {
    this.#services.set(lifecycle, service);
  }

  /** In the order in which they are served. */
  get served(): Iterable<AnyLifecycle> {
    return this.#services.keys();
  }

  of(lifecycle: AnyLifecycle): MachineService {
    const service = this.#services.get(lifecycle);
    if (service === undefined) throw new Error('This kind of machine is not served.');
    return service;
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
