/** How long and how often the benchmark measures. */

export interface Settings {
  readonly rounds: number;
  /** The length of a measurement in whole seconds: for cases with a promise, and for others. */
  readonly seconds: number;
  readonly secondsOfOthers: number;
  /**
   * The warm-up before each measurement, and the first load of each process, until V8 has compiled its code; in
   * seconds.
   */
  readonly warmUp: number;
  readonly firstWarmUp: number;
  /** How many lives the large database has. */
  readonly lives: number;
  /** How long a snapshot is held, in seconds. */
  readonly snapshot: number;
  /** The most subscribers of the feed. */
  readonly subscribers: number;
  /** How long subscribers are sent transitions, in seconds. */
  readonly delivery: number;
  /** How many transitions a subscriber catches up with. */
  readonly transitions: number;
  /** How long the profiler runs, in seconds. */
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

/** Only to see that the benchmark runs. The figures mean little. */
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

/** The settings for which the promises hold. */
export const MANY_CONNECTIONS = 64;
