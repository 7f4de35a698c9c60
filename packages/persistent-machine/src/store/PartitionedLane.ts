/**
 * A lane for each partition that is in use, under one name and with one limit of what may wait. A partition whose
 * statements are slow or fail holds up no other one, until what waits for it has filled that limit. It does not know
 * what the entries mean.
 */
import { FULL, Lane, type LaneLike } from './Lane';
import type { LaneSettings } from './LaneSettings';

export class PartitionedLane<Entry, Result> implements LaneLike<Entry, Result> {
  readonly #settings: LaneSettings<Entry, Result>;
  readonly #partitionOf: (entry: Entry) => number;
  readonly #lanes = new Map<number, Lane<Entry, Result>>();

  constructor(settings: LaneSettings<Entry, Result>, partitionOf: (entry: Entry) => number) {
    this.#settings = settings;
    this.#partitionOf = partitionOf;
  }

  get length(): number {
    return this.#sum(({ length }) => length);
  }

  get isFull(): boolean {
    return this.#sum(({ inQueue }) => inQueue) >= this.#settings.queueSize;
  }

  async submit(entry: Entry, deadline: number): Promise<Result> {
    if (this.isFull) throw FULL;
    return this.#laneOf(this.#partitionOf(entry)).submit(entry, deadline);
  }

  #laneOf(partition: number): Lane<Entry, Result> {
    const known = this.#lanes.get(partition);
    if (known !== undefined) return known;
    const lane = new Lane(this.#settings);
    this.#lanes.set(partition, lane);
    return lane;
  }

  #sum(of: (lane: Lane<Entry, Result>) => number): number {
    let sum = 0;
    for (const lane of this.#lanes.values()) sum += of(lane);
    return sum;
  }
}
