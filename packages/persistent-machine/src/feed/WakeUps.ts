/**
 * Tells that there may be something new: whenever the database notifies, and from time to time in any case,
 * since a notification is a hint that may be lost, and through some poolers none arrives. Owns the one
 * connection of an instance that listens, to the channels of all machines; does not know what is new. While no feed
 * follows it does nothing.
 */
import { PlainClient, clientSettings } from '../database/connections';
import { quoted } from '../database/identifiers';
import { SAY_SETTINGS } from '../database/settings';
import { cutOff } from '../internals';

export interface WakeUpSettings {
  /** A `postgresql://` URL. */
  readonly url: string;
  /** All channels that are notified, one for each machine. */
  readonly channels: readonly string[];
  /** What a notification says that is the instance's own, which needs none. */
  readonly ownPayload?: string | undefined;
  /** false: no connection is opened, and the time between two looks is shorter. */
  readonly listen: boolean;
}

/** How long until somebody looks without having been notified, in milliseconds. */
const POLL = { listening: 1_000, otherwise: 200 };

/** The longest pause before the connection is made anew, after the first failure and after many; in milliseconds. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5_000;

/**
 * How long what PostgreSQL sends may stay unread, in milliseconds; then it gives the connection up. A process that is
 * stopped, or a host without power, would else leave it waiting in the midst of a snapshot, which keeps vacuum from
 * every table. It is TCP that counts: a unix socket has no such limit, but there both are on one machine.
 */
const LONGEST_UNREAD = 10_000;

/** How long the database has to let a connection end, in milliseconds. */
const LAST_WORDS = 1_000;

/** A feed that follows. */
interface Follower {
  readonly channel: string;
  readonly onWakeUp: () => void;
}

export class WakeUps {
  readonly #settings: WakeUpSettings;
  readonly #followers = new Set<Follower>();
  #poll: NodeJS.Timeout | undefined;
  #client: PlainClient | undefined;
  #isListening = false;
  #reconnect: NodeJS.Timeout | undefined;
  #failures = 0;

  constructor(settings: WakeUpSettings) {
    this.#settings = settings;
  }

  /**
   * @param channel one of the settings' channels
   * @param onWakeUp called whenever there may be something new, which may be at once
   * @returns how to leave; fulfilled once nothing is left that was there for the follower alone
   */
  follow(channel: string, onWakeUp: () => void): () => Promise<void> {
    const follower = { channel, onWakeUp };
    this.#followers.add(follower);
    if (this.#followers.size === 1) this.#start();
    // A notification may have come between the follower's last look and now.
    else if (this.#isListening) onWakeUp();
    return async () => {
      this.#followers.delete(follower);
      if (this.#followers.size === 0) await this.#stop();
    };
  }

  #start(): void {
    const { listen } = this.#settings;
    this.#poll = setInterval(
      () => {
        this.#wake();
      },
      listen ? POLL.listening : POLL.otherwise,
    );
    if (listen) this.#connect();
  }

  /** @returns once the connection is closed */
  async #stop(): Promise<void> {
    clearInterval(this.#poll);
    clearTimeout(this.#reconnect);
    const client = this.#client;
    this.#client = undefined;
    this.#isListening = false;
    if (client === undefined) return;
    // One that hangs is not waited for.
    const overdue = setTimeout(() => {
      cutOff(client);
    }, LAST_WORDS);
    await client.end().catch(() => undefined);
    clearTimeout(overdue);
  }

  /** @param channel of whose machine there is something new; left out: there may be of any */
  #wake(channel?: string): void {
    for (const follower of this.#followers) {
      if (channel === undefined || channel === follower.channel) follower.onWakeUp();
    }
  }

  #connect(): void {
    const { url, channels, ownPayload } = this.#settings;
    const client = new PlainClient({
      ...clientSettings(url, 'persistent-state-machine feed'),
      keepAliveInitialDelayMillis: 10_000,
      connectionTimeoutMillis: 5_000,
    });
    this.#client = client;
    client.on('notification', ({ channel, payload }) => {
      if (payload !== ownPayload) this.#wake(channel);
    });
    // An error is followed by the end, which says enough.
    client.on('error', () => undefined);
    client.once('end', () => {
      this.#connectAgain(client);
    });
    client
      .connect()
      // Else the role's idle_session_timeout may end it, whose part is to be idle.
      .then(async () => client.query(SAY_SETTINGS))
      .then(async () => client.query(`SET tcp_user_timeout = ${LONGEST_UNREAD}`))
      .then(async () => client.query(channels.map((each) => `LISTEN ${quoted(each)}`).join('; ')))
      .then(() => {
        this.#failures = 0;
        // The last follower may have left meanwhile.
        if (this.#client !== client) return;
        this.#isListening = true;
        // Something may have happened before it listened.
        this.#wake();
      })
      .catch(() => client.end())
      .catch(() => {
        this.#connectAgain(client);
      });
  }

  /** After a random pause, longer with each failure, so that a database that comes back is not overrun. */
  #connectAgain(lost: PlainClient): void {
    if (this.#client !== lost) return;
    this.#client = undefined;
    this.#isListening = false;
    const longest = Math.min(FIRST_PAUSE * 2 ** this.#failures, LONGEST_PAUSE);
    this.#failures += 1;
    this.#reconnect = setTimeout(() => {
      this.#connect();
    }, Math.random() * longest);
  }
}
