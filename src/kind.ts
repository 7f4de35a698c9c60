/** Lives, as the engine is told of them: what they allow, and where they are stored. */
import type { Feed } from 'persistent-machine/feed/Feed';
import type { MachineKind } from 'persistent-machine/graphql/context';
import type { MachineReader } from 'persistent-machine/store/MachineReader';
import type { MachineStore } from 'persistent-machine/store/MachineStore';
import { Ledger, Life, LifeTransition } from './entities';
import { type LifeRecord, type Phase, lifecycle, phaseOf } from './machine';

export const lifeKind: MachineKind<LifeRecord, Phase> = {
  name: 'Life',
  plural: 'lives',
  machine: lifecycle,
  phaseOf,
  entities: { record: Life, history: LifeTransition, ledger: Ledger },
};

export type LifeStore = MachineStore<LifeRecord, Phase>;
export type LifeReader = MachineReader<LifeRecord, Phase>;
export type LifeFeed = Feed<LifeRecord, Phase>;
