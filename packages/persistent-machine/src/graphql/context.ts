/** What every resolver gets: the machines that are served, and who asks; the same for each way of asking. */
import type { Feed } from '../feed/Feed';
import type { MachineDefinition, MachinePhase, MachineRecord } from '../machine';
import type { MachineEntities } from '../operations/tables';
import type { MachineReader } from '../store/MachineReader';
import type { MachineStore } from '../store/MachineStore';
import type { PhaseOf } from '../store/transition';

/** A kind of machine: what it allows, how its phases are rebuilt, and where it is stored. */
export interface MachineKind<R extends MachineRecord, P extends MachinePhase<R>> {
  /** Its name, by which metrics know it. */
  readonly name: string;
  /** Of several of them, by which scopes know it. */
  readonly plural: string;
  readonly machine: MachineDefinition;
  readonly phaseOf: PhaseOf<R, P>;
  readonly entities: MachineEntities<R>;
}

/** A kind of machine, where it does not matter which. */
// Its types are those of `phaseOf`, which is only ever given what the tables of the same kind hold.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyKind = MachineKind<any, any>;

/** By what the machines of one kind are changed, read and followed. */
export interface MachineService<R extends MachineRecord, P extends MachinePhase<R>> {
  readonly store: MachineStore<R, P>;
  readonly reader: MachineReader<R, P>;
  readonly feed: Feed<R, P>;
}

/** All kinds of machines that are served. */
export class Machines {
  /** What is found under a kind was put there with this very kind, and so has its types. */
  readonly #services = new Map<object, unknown>();
  readonly #areFull: (() => boolean)[] = [];
  readonly #plurals: string[] = [];

  serve<R extends MachineRecord, P extends MachinePhase<R>>(
    kind: MachineKind<R, P>,
    service: MachineService<R, P>,
  ): void {
    this.#services.set(kind, service);
    this.#plurals.push(kind.plural);
    this.#areFull.push(() => service.store.lanes.isFull);
  }

  /** @throws Error where this kind is not served */
  of<R extends MachineRecord, P extends MachinePhase<R>>(
    kind: MachineKind<R, P>,
  ): MachineService<R, P> {
    const service = this.#services.get(kind);
    if (service === undefined) throw new Error('This kind of machine is not served.');
    return service as MachineService<R, P>;
  }

  /** The plural names of all kinds that are served. */
  get plurals(): readonly string[] {
    return this.#plurals;
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
