import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { eventually } from '../engine/flow.ts';
import type { PrivateDaemon } from '../faults/private-daemon.ts';

export interface SshServer {
  readonly port: number;
  /** A line for `known_hosts`. */
  readonly knownHost: string;
  end(): Promise<void>;
}

/**
 * Start an sshd on 127.0.0.1 that has the files of this engine and reaches it by the docker command. `settings` are lines of
 * its configuration.
 */
export async function sshServer(
  daemon: PrivateDaemon,
  {
    name,
    authorizedKey,
    settings = [],
  }: { name: string; authorizedKey: string; settings?: readonly string[] },
): Promise<SshServer> {
  const { DOCKER_HOST } = daemon.env;
  // The folder of the engine: the temporary files of this process are hidden from it.
  const folder = join(dirname(DOCKER_HOST!.slice('unix://'.length)), name);
  mkdirSync(folder, { mode: 0o700 });
  const file = (of: string) => join(folder, of);
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file('host_key')]);
  writeFileSync(file('authorized_keys'), authorizedKey);
  const port = await freePort();
  const config = [
    ...['ListenAddress 127.0.0.1', `Port ${port}`, 'PidFile none'],
    ...[`HostKey ${file('host_key')}`, `AuthorizedKeysFile ${file('authorized_keys')}`],
    ...['UsePAM no', 'StrictModes no', 'PasswordAuthentication no', 'KbdInteractiveAuthentication no'],
    `SetEnv DOCKER_HOST=${DOCKER_HOST} PATH=${process.env.PATH}`,
    ...settings,
  ];
  writeFileSync(file('sshd_config'), `${config.join('\n')}\n`);
  writeFileSync(file('passwd'), passwd);
  const script = [
    'mount -t tmpfs -o mode=755 none /run',
    'mkdir /run/sshd',
    `mount --bind '${file('passwd')}' /etc/passwd`,
    // It starts a process for each connection by its own path.
    'exec "$(command -v sshd)" "$@"',
  ];
  const sshd = daemon.beside(
    ['unshare', '--mount', 'sh', '-ec', script.join('\n'), 'sshd', '-D', '-e', '-f', file('sshd_config')],
    {
      env: { PATH: `${process.env.PATH}:/usr/sbin` },
      stdout: { file: file('log') },
      stderr: { file: file('log') },
    },
  );
  let ended = false;
  void sshd.then(() => {
    ended = true;
  });
  await eventually(async () => ended || (await accepts(port)), 'an sshd that accepts connections');
  if (ended) throw new Error(`sshd did not come up: ${readFileSync(file('log'), 'utf8').slice(-2_000)}`);
  const key = readFileSync(file('host_key.pub'), 'utf8').trim();
  return {
    ...{ port, knownHost: `[127.0.0.1]:${port} ${key}\n` },
    async end() {
      sshd.kill('SIGKILL');
      await sshd;
    },
  };
}

/** The users of its machine; it runs as root, and checks who connects as sshd. */
export const sshUser = 'me';
const passwd = `root:x:0:0::/root:/bin/sh
${sshUser}:*:0:0::/root:/bin/sh
sshd:*:65534:65534::/run/sshd:/usr/sbin/nologin
`;

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

const accepts = (port: number) =>
  new Promise<boolean>(resolve => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
