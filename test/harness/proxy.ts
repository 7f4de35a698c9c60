/**
 * A network between a server and PostgreSQL that fails when a test says so. Knows two things about PostgreSQL's
 * protocol: the name with which a statement is sent, and the end of its answer. Does not know what a statement is for.
 */
import {
  type AddressInfo,
  type Server,
  type Socket,
  createConnection,
  createServer,
} from 'node:net';

/** Where a statement is when its connection is cut. */
export type Cut =
  /** The statement never reaches the database. */
  | 'before the database gets it'
  /** The database runs the statement, and its answer is lost. */
  | 'while the database runs it'
  /** The database has committed and answered, and the answer is lost on its way. */
  | 'once the database has answered';

interface Trap {
  readonly statement: string;
  /** null: the network falls silent instead. */
  readonly cut: Cut | null;
  readonly thenRefuse: boolean;
  readonly sprung: () => void;
}

type Target = { readonly path: string } | { readonly host: string; readonly port: number };

interface Link {
  readonly client: Socket;
  readonly database: Socket;
}

/** One direction of the network, and when it has transmitted all that was sent. */
interface Direction {
  freeAt: number;
}

/** The last messages of a statement and of its answer: Sync, and ReadyForQuery. */
const SYNC = Buffer.from('S\0\0\0\x04', 'latin1');
const READY = Buffer.from('Z\0\0\0\x05', 'latin1');

export class Proxy {
  /** The database's URL, through this network. */
  readonly url: string;
  #target: Target;
  readonly #server: Server;
  readonly #port: number;
  readonly #links = new Set<Link>();
  #traps: Trap[] = [];
  #silent = false;
  readonly #upwards: Direction = { freeAt: 0 };
  readonly #downwards: Direction = { freeAt: 0 };
  #latency = 0;
  #bandwidth = Infinity;

  private constructor(databaseUrl: string, server: Server) {
    const url = new URL(databaseUrl);
    this.#target = targetOf(url);
    this.#server = server;
    // A server that listens on a port has an address with it.
    this.#port = (server.address() as AddressInfo).port;
    url.hostname = '127.0.0.1';
    url.port = String(this.#port);
    this.url = url.href;
    server.on('connection', (client) => {
      this.#connect(client);
    });
  }

  /** Starts a network that passes everything on. */
  static async to(databaseUrl: string): Promise<Proxy> {
    const server = createServer({ pauseOnConnect: true });
    await listening(server, 0);
    return new Proxy(databaseUrl, server);
  }

  /** The number of open connections. */
  get connections(): number {
    return this.#links.size;
  }

  /**
   * Cuts the connection of the next statement with a name.
   *
   * @param thenRefuse whether the network refuses new connections from then on
   * @returns once it is cut
   */
  async cut(statement: string, cut: Cut, { thenRefuse = false } = {}): Promise<void> {
    return new Promise((sprung) => {
      this.#traps.push({ statement, cut, thenRefuse, sprung });
    });
  }

  /**
   * Falls silent before the next statement with a name, which arrives after `speak`.
   *
   * @returns once it is silent
   */
  async silenceAt(statement: string): Promise<void> {
    return new Promise((sprung) => {
      this.#traps.push({ statement, cut: null, thenRefuse: false, sprung });
    });
  }

  /** Leads to another database from now on, and ends the open connections, as at a failover. */
  leadTo(databaseUrl: string): void {
    this.#target = targetOf(new URL(databaseUrl));
    this.cutAll();
  }

  /** Cuts every connection, and accepts new ones. */
  cutAll(): void {
    for (const link of this.#links) this.#end(link);
  }

  /** Resets every connection, as a router does that has lost its state. Data in flight is lost. */
  resetAll(): void {
    for (const link of this.#links) {
      link.client.resetAndDestroy();
      this.#end(link);
    }
  }

  /**
   * Slows each direction down.
   *
   * @param latency in milliseconds
   * @param bandwidth in bytes a second, shared by all connections
   */
  slow({ latency = 0, bandwidth = Infinity }: { latency?: number; bandwidth?: number }): void {
    this.#latency = latency;
    this.#bandwidth = bandwidth;
  }

  /** Cuts every connection, and refuses new ones. */
  refuse(): void {
    this.#server.close();
    this.cutAll();
  }

  /** Accepts connections after `refuse`. */
  async accept(): Promise<void> {
    if (!this.#server.listening) await listening(this.#server, this.#port);
  }

  /** Delivers nothing in either direction from now on, without an error. */
  silence(): void {
    this.#silent = true;
    for (const { client, database } of this.#links) {
      client.pause();
      database.pause();
    }
  }

  /** Ends `silence`. What was sent meanwhile arrives, even from clients that have hung up. */
  speak(): void {
    this.#silent = false;
    for (const { client, database } of this.#links) {
      client.resume();
      database.resume();
    }
  }

  /** Ends all faults, and cancels those to come. */
  async heal(): Promise<void> {
    this.#traps = [];
    this.slow({});
    this.speak();
    await this.accept();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.once('close', resolve));
    const { listening: listens } = this.#server;
    this.refuse();
    if (listens) await closed;
  }

  #connect(client: Socket): void {
    const link = { client, database: createConnection(this.#target) };
    const { database } = link;
    this.#links.add(link);
    const toDatabase = this.#pipe(database, this.#upwards);
    const toClient = this.#pipe(client, this.#downwards);
    let trap: Trap | undefined;
    client.on('data', (chunk: Buffer) => {
      trap ??= this.#trapFor(chunk);
      if (trap?.cut === null) {
        this.silence();
        client.unshift(chunk);
        trap.sprung();
        trap = undefined;
        return;
      }
      if (trap?.cut !== 'before the database gets it') toDatabase(chunk);
      const isAway = trap?.cut !== 'while the database runs it' || endsWith(chunk, SYNC);
      if (trap !== undefined && trap.cut !== 'once the database has answered' && isAway) {
        this.#spring(trap, link);
      }
    });
    database.on('data', (chunk: Buffer) => {
      if (trap === undefined) toClient(chunk);
      // Its last byte says in which state the session is.
      else if (endsWith(chunk.subarray(0, -1), READY)) this.#spring(trap, link);
    });
    // A cut client sees only the end of its connection.
    for (const socket of [client, database]) socket.on('error', () => undefined);
    client.on('close', () => {
      this.#end(link);
    });
    database.on('close', () => {
      this.#links.delete(link);
      // The database's last messages still arrive.
      client.end();
    });
    if (!this.#silent) client.resume();
  }

  /** Writes at once, or after the delay of the network; always in order. */
  #pipe(socket: Socket, direction: Direction): (chunk: Buffer) => void {
    let lastDue = 0;
    return (chunk) => {
      const now = performance.now();
      direction.freeAt = Math.max(now, direction.freeAt) + (chunk.length / this.#bandwidth) * 1_000;
      const due = Math.max(direction.freeAt + this.#latency, lastDue);
      if (due <= now) {
        socket.write(chunk);
        return;
      }
      lastDue = due;
      setTimeout(() => {
        if (socket.writable) socket.write(chunk);
      }, due - now);
    };
  }

  /** The trap of a statement, which is bound to the unnamed portal. */
  #trapFor(chunk: Buffer): Trap | undefined {
    const trap = this.#traps.find(({ statement }) => chunk.includes(`\0${statement}\0`));
    this.#traps = this.#traps.filter((other) => other !== trap);
    return trap;
  }

  #spring({ thenRefuse, sprung }: Trap, link: Link): void {
    this.#end(link);
    if (thenRefuse) this.refuse();
    sprung();
  }

  #end(link: Link): void {
    const { client, database } = link;
    if (!this.#links.delete(link)) return;
    client.destroy();
    // What was written to the database still arrives.
    database.end(() => database.destroy());
  }
}

function targetOf(url: URL): Target {
  const port = url.port === '' ? 5432 : Number(url.port);
  const host = decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1');
  return host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
}

async function listening(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function endsWith(chunk: Buffer, end: Buffer): boolean {
  return chunk.subarray(-end.length).equals(end);
}
