/**
 * Wakes the feeds when there may be something new: after each notification, and regularly in any case, because
 * notifications may be lost, and do not pass some poolers. It owns the instance's only connection that listens, and
 * does not know what is new. While no feed follows, it does nothing.
 */
import { PlainClient, clientSettings } from '../database/connections';
import { quoted } from '../database/identifiers';
import { APPLY_SETTINGS } from '../database/settings';
import { cutOff } from '../internals';

export interface WakeUpSettings {
  /** A `postgresql://` URL. */
  readonly url: string;
  /** The channels, one for each kind of machine. */
  readonly channels: readonly string[];
  /** The payload of the instance's own notifications, which are ignored. */
  readonly ownPayload?: string | undefined;
  /** Whether to open a connection that listens. Without it, polls are more frequent. */
  readonly listen: boolean;
}

/** The time between two polls, in milliseconds. */
const POLL = { listening: 1_000, otherwise: 200 };

/** The longest pause before a new connection, after the first failure and after many, in milliseconds. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5_000;

/**
 * How long PostgreSQL waits for this process to read, in milliseconds, before it gives the connection up. Otherwise a
 * process that is stopped, or a host without power, would keep the backend waiting with a snapshot, and so keep vacuum
 * from all tables. The limit is TCP's; a unix socket has none, but there PostgreSQL runs on the same host.
 */
const TCP_USER_TIMEOUT = 10_000;

/** How long the connection may take to close, in milliseconds. */
const CLOSE_TIMEOUT = 1_000;

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
   * @param onWakeUp called whenever there may be something new, possibly at once
   * @returns a function that unfollows. It resolves once the connection is closed, if no other follower needs it
   */
  follow(channel: string, onWakeUp: () => void): () => Promise<void> {
    const follower = { channel, onWakeUp };
    this.#followers.add(follower);
    if (this.#followers.size === 1) this.#start();
    // A notification may have arrived between the follower's last look and this call.
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
    const overdue = setTimeout(() => {
      cutOff(client);
    }, CLOSE_TIMEOUT);
    await client.end().catch(() => undefined);
    clearTimeout(overdue);
  }

  /** @param channel with something new; left out if that may be any */
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
    // The event `end` follows, and reconnects.
    client.on('error', () => undefined);
    client.once('end', () => {
      this.#connectAgain(client);
    });
    client
      .connect()
      // Our settings turn off idle_session_timeout, with which a role could end this idle connection.
      .then(async () => client.query(APPLY_SETTINGS))
      .then(async () => client.query(`SET tcp_user_timeout = ${TCP_USER_TIMEOUT}`))
      .then(async () => client.query(channels.map((each) => `LISTEN ${quoted(each)}`).join('; ')))
      .then(() => {
        this.#failures = 0;
        // The last follower may have left meanwhile.
        if (this.#client !== client) return;
        this.#isListening = true;
        // A notification may have been sent before LISTEN.
        this.#wake();
      })
      .catch(() => client.end())
      .catch(() => {
        this.#connectAgain(client);
      });
  }

  /** Reconnects after a random pause, longer with each failure, so that instances do not come back as a herd. */
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
