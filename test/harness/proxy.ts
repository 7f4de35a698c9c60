/**
 * A network between a server and PostgreSQL that fails when a test says so. Knows of PostgreSQL's protocol
 * by which name a statement is sent and where its answer ends; does not know what any statement is for.
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
  /** It never reaches the database. */
  | 'before the database gets it'
  /** The database has it, and nobody hears what becomes of it. */
  | 'while the database runs it'
  /** The database has committed and answered, and the answer is lost on its way. */
  | 'once the database has answered';

interface Trap {
  readonly statement: string;
  /** null: it falls silent. */
  readonly cut: Cut | null;
  readonly thenRefuse: boolean;
  readonly sprung: () => void;
}

type Target = { readonly path: string } | { readonly host: string; readonly port: number };

interface Link {
  readonly client: Socket;
  readonly database: Socket;
}

/** One way through the network; when all is through that was sent. */
interface Direction {
  freeAt: number;
}

/** What ends a statement on its way to the database, and what ends its answer: Sync, and ReadyForQuery. */
const SYNC = Buffer.from('S\0\0\0\x04', 'latin1');
const READY = Buffer.from('Z\0\0\0\x05', 'latin1');

export class Proxy {
  /** As the database's own, but by way of this. */
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
    // A server that listens at a port has an address.
    this.#port = (server.address() as AddressInfo).port;
    url.hostname = '127.0.0.1';
    url.port = String(this.#port);
    this.url = url.href;
    server.on('connection', (client) => {
      this.#connect(client);
    });
  }

  /** Starts one, which passes everything on. */
  static async to(databaseUrl: string): Promise<Proxy> {
    const server = createServer({ pauseOnConnect: true });
    await listening(server, 0);
    return new Proxy(databaseUrl, server);
  }

  /** How many connections go through it. */
  get connections(): number {
    return this.#links.size;
  }

  /**
   * Cuts the connection of the next statement that is sent under a name.
   *
   * @param thenRefuse whether nobody gets through any more from that moment on
   * @returns once it is cut
   */
  async cut(statement: string, cut: Cut, { thenRefuse = false } = {}): Promise<void> {
    return new Promise((sprung) => {
      this.#traps.push({ statement, cut, thenRefuse, sprung });
    });
  }

  /**
   * Falls silent before the next statement that is sent under a name, which arrives when it speaks again.
   *
   * @returns once it is silent
   */
  async silenceAt(statement: string): Promise<void> {
    return new Promise((sprung) => {
      this.#traps.push({ statement, cut: null, thenRefuse: false, sprung });
    });
  }

  /** From now on leads to another database: connections that there are end, as at a failover. */
  leadTo(databaseUrl: string): void {
    this.#target = targetOf(new URL(databaseUrl));
    this.cutAll();
  }

  /** Cuts every connection; new ones are made as before. */
  cutAll(): void {
    for (const link of this.#links) this.#end(link);
  }

  /** Cuts every connection as a router does that has forgotten them: by a reset, which overtakes what is under way. */
  resetAll(): void {
    for (const link of this.#links) {
      link.client.resetAndDestroy();
      this.#end(link);
    }
  }

  /**
   * From now on everything takes its time, in each direction.
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

  /** Ends `refuse`. */
  async accept(): Promise<void> {
    if (!this.#server.listening) await listening(this.#server, this.#port);
  }

  /** From now on nothing arrives any more, in either direction, and nobody is told. */
  silence(): void {
    this.#silent = true;
    for (const { client, database } of this.#links) {
      client.pause();
      database.pause();
    }
  }

  /** Ends `silence`: what was sent meanwhile arrives, be it from who has long since hung up. */
  speak(): void {
    this.#silent = false;
    for (const { client, database } of this.#links) {
      client.resume();
      database.resume();
    }
  }

  /** Ends whatever goes wrong, and whatever is yet to. */
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
    // Whoever is cut off gets to hear of it by the end of its connection.
    for (const socket of [client, database]) socket.on('error', () => undefined);
    client.on('close', () => {
      this.#end(link);
    });
    database.on('close', () => {
      this.#links.delete(link);
      // The database's last words arrive.
      client.end();
    });
    if (!this.#silent) client.resume();
  }

  /** Writes at once, or as late as the network is slow; in order in any case. */
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

  /** The trap that a statement falls into: it is bound to the portal that has no name. */
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
    // What was written to it still arrives.
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
