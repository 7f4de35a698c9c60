/** What every resolver gets: the stores, and who asks. Wired in application.ts; the same for each way of asking. */
import type { Feed } from '../feed/Feed';
import type { LifeRecord, Phase } from '../machine';
import type { MachineArchive } from '../store/MachineArchive';
import type { MachineStore } from '../store/MachineStore';

export type LifeStore = MachineStore<LifeRecord, Phase>;
export type LifeArchive = MachineArchive<LifeRecord, Phase>;
export type LifeFeed = Feed<LifeRecord, Phase>;

/** What all requests share. */
export interface Services {
  readonly lives: LifeStore;
  readonly archive: LifeArchive;
  readonly feed: LifeFeed;
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
