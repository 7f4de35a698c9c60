/** Debian's nginx with the configuration of `deploy`, in front of two instances. Does not know what they serve. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface Nginx {
  /** The URL without a path. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * @param instances their URLs
 * @throws the message of nginx about a configuration that it refuses
 */
export async function startNginx(instances: readonly [string, string]): Promise<Nginx> {
  const directory = await mkdtemp('/tmp/test-nginx-');
  // If root starts nginx, its workers run as another user.
  await chmod(directory, 0o755);
  const listen = await freeAddress();
  const [first, second] = instances.map((url) => new URL(url).host);
  await writeFile(
    join(directory, 'server.conf'),
    fillIn(await readFile('deploy/nginx.conf.template', 'utf8'), {
      INSTANCE_1: first,
      INSTANCE_2: second,
      LISTEN: listen,
      SERVER_NAMES: 'lives.example',
    }).replace('/dev/stdout', join(directory, 'access.log')),
  );
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${directory}/${name};`,
  );
  await writeFile(
    join(directory, 'nginx.conf'),
    `daemon off;
pid ${directory}/pid;
worker_processes 2;
events { worker_connections 1024; }
http { ${temporary.join(' ')} include ${directory}/server.conf; }
`,
  );
  const parameters = ['-p', directory, '-c', join(directory, 'nginx.conf'), '-e', 'stderr'];
  const nginx = spawn('/usr/sbin/nginx', parameters, { stdio: ['ignore', 'ignore', 'pipe'] });
  const complaint = text(nginx.stderr);
  const ended = once(nginx, 'exit');
  const url = `http://${listen}`;
  while (!(await isListening(url))) {
    if (nginx.exitCode !== null) throw new Error(await complaint);
  }
  return {
    url,
    stop: async () => {
      nginx.kill('SIGTERM');
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

/** Does what envsubst does in the image "nginx": replaces only the given names. */
export function fillIn(
  template: string,
  values: Readonly<Record<string, string | undefined>>,
): string {
  return template.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

async function isListening(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const [event] = await Promise.race([
    once(socket, 'connect').then(() => [true]),
    once(socket, 'error').then(() => [false]),
  ]).catch(() => [false]);
  socket.destroy();
  return event === true;
}

/** A free port, because nginx cannot report one that it has picked. */
async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on a port has an address with it.
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `127.0.0.1:${port}`;
}
