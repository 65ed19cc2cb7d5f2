import { randomInt, randomUUID } from 'node:crypto';
import { execa } from 'execa';

/**
 * An outside network for a machine without one: a server at a public address, under names that only containers on its
 * network resolve, and one at a private address.
 */
export interface Outside {
  readonly address: string;
  /** Connects a proxy to both servers, as if the machine had egress. */
  connect(proxy: string): Promise<void>;
  close(): Promise<void>;
}

const publicNames = ['allowed.example.com', 'sub.example.org', 'blocked.example.net'] as const;
export const innerName = 'inner.example.com';

const server = `for (const port of [80, 443, 8443])
  require('node:http').createServer((request, response) => response.end('outside')).listen(port);`;

const docker = async (...args: string[]) => (await execa('docker', args, { timeout: 60_000 })).stdout.trim();

/**
 * Create a network of public addresses, sixteen of a range for documentation (RFC 5737). The host routes all traffic
 * for them there, so they are few and other ones each time: leftovers of a killed test then block no other.
 */
async function publicNetwork(label: string, name: string, attempts = 10): Promise<void> {
  const subnet = `--subnet=198.51.100.${16 * randomInt(16)}/28`;
  try {
    await docker('network', 'create', label, subnet, name);
  } catch (error) {
    if (attempts === 1 || !String(error).includes('Pool overlaps')) throw error;
    await publicNetwork(label, name, attempts - 1);
  }
}

export async function outside(): Promise<Outside> {
  const mark = randomUUID().slice(0, 8);
  const label = `--label=agent-flow-test=${mark}`;
  const names = { public: `agent-flow-test-public-${mark}`, inner: `agent-flow-test-inner-${mark}` };
  const close = async () => {
    const list = async (...of: string[]) =>
      (await docker(...of, `--filter=label=agent-flow-test=${mark}`)).split('\n').filter(Boolean);
    const left = await list('ps', '-aq');
    if (left.length > 0) await docker('rm', '--force', '--volumes', ...left);
    for (const network of await list('network', 'ls', '-q')) {
      // A proxy that was connected may still be on it after its run has failed.
      const users = await docker(
        'network',
        'inspect',
        '--format={{range $id, $_ := .Containers}}{{$id}} {{end}}',
        network,
      );
      for (const user of users.split(' ').filter(Boolean))
        await docker('network', 'disconnect', '--force', network, user);
      await docker('network', 'rm', network);
    }
  };
  try {
    await publicNetwork(label, names.public);
    await docker('network', 'create', label, names.inner);
    const run = (network: string, aliases: readonly string[]) =>
      docker(
        ...['run', '--detach', '--init', label, `--network=${network}`, '--entrypoint=node', '--memory=128m'],
        ...aliases.map(alias => `--network-alias=${alias}`),
        ...['tmux-agents-base:latest', '-e', server],
      );
    const id = await run(names.public, publicNames);
    await run(names.inner, [innerName]);
    const format = '--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
    const address = await docker('inspect', format, id);
    return {
      address,
      async connect(proxy) {
        await docker('network', 'connect', names.public, proxy);
        await docker('network', 'connect', names.inner, proxy);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
