/** How long and how often is measured. */

export interface Settings {
  readonly rounds: number;
  /** Of a case that a promise rests on, in whole seconds; and of the others. */
  readonly seconds: number;
  readonly secondsOfOthers: number;
  /** Before each measurement; and once for each process, until its code is compiled. */
  readonly warmUp: number;
  readonly firstWarmUp: number;
  /** How many lives the large database has. */
  readonly lives: number;
  /** How long a snapshot is held, in seconds. */
  readonly snapshot: number;
  /** How many subscribers the feed has, at most. */
  readonly subscribers: number;
  /** How long they are told of transitions, in seconds. */
  readonly delivery: number;
  /** How many transitions are caught up with. */
  readonly transitions: number;
  /** How long is profiled, in seconds. */
  readonly profile: number;
}

export const thorough: Settings = {
  rounds: 3,
  seconds: 3,
  secondsOfOthers: 1,
  warmUp: 0.5,
  firstWarmUp: 6,
  lives: 1_000_000,
  snapshot: 60,
  subscribers: 1_000,
  delivery: 10,
  transitions: 100_000,
  profile: 8,
};

/** To see that it runs; its figures mean little. */
export const quick: Settings = {
  rounds: 1,
  seconds: 1,
  secondsOfOthers: 1,
  warmUp: 0.25,
  firstWarmUp: 0.5,
  lives: 50_000,
  snapshot: 5,
  subscribers: 100,
  delivery: 2,
  transitions: 10_000,
  profile: 2,
};

/** Where promises are made. */
export const MANY_CONNECTIONS = 64;
