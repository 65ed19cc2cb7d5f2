import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { execa, type ResultPromise } from 'execa';
import { bin, eventually } from '../engine/flow.ts';

/**
 * A dockerd of the test's own, which it may end at any time without touching the machine's. It lives in namespaces that
 * a holder keeps, so that a restarted one finds its containers' mounts; when the holder ends, the kernel ends
 * everything in them: dockerd, containerd, shims and containers. The holder ends with this process, however that ends.
 */
export interface PrivateDaemon {
  /** The environment of a docker client that uses it. */
  readonly env: NodeJS.ProcessEnv;
  /**
   * Starts it unless it already runs with this option, with which containers survive it or not; resolves when it
   * replies.
   */
  start(options: { readonly liveRestore: boolean }): Promise<void>;
  /** Resolves when it has exited. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  pause(): void;
  unpause(): void;
  /** Whether this process of a container is running, also while the daemon is unreachable. */
  lives(pid: number): boolean;
  /** Copies an image of the machine's engine into this one. */
  load(image: string): Promise<void>;
  /** Ends it and removes everything it has made. */
  remove(): Promise<void>;
}

const namespaces = '--net --mount --mount-proc --pid --fork --kill-child'.split(' ');
/** Shims put their sockets into a folder that would be the machine's; `cat` runs until its stdin is closed. */
const hold = 'ip link set lo up; mkdir -p /run/containerd; mount -t tmpfs none /run/containerd';

export interface DaemonOptions {
  /** The contents of its daemon.json. */
  readonly config?: object;
  /** Shell that changes its mounts before it starts; /run/containerd is for its files. */
  readonly prepare?: string;
}

export async function privateDaemon({
  config: settings = {},
  prepare = ':',
}: DaemonOptions = {}): Promise<PrivateDaemon> {
  // docker-init reaps orphaned processes, or a dead containerd would seem to run.
  const script = `${hold}; ${prepare}; echo up; exec cat >/dev/null`;
  const holder = execa('unshare', [...namespaces, 'docker-init', '--', 'sh', '-c', script], {
    stdin: 'pipe',
    buffer: { stdout: false },
    reject: false,
  });
  await new Promise((resolve, reject) => {
    holder.stdout.once('data', resolve);
    void holder.then(({ stderr }) => reject(new Error(`no namespaces for a dockerd: ${stderr}`)));
  });
  const init = childOf(holder.pid!)!;

  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-daemon-'));
  // Mapped users pass through here.
  chmodSync(folder, 0o711);
  const cgroup = `agent-flow-faults-${randomBytes(4).toString('hex')}`;
  const log = join(folder, 'log');
  const env = { DOCKER_HOST: `unix://${join(folder, 'sock')}` };
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify(settings));
  const args = [
    `--target=${init}`,
    ...['--net', '--mount', '--pid', 'dockerd'],
    `--config-file=${config}`,
    `--data-root=${join(folder, 'data')}`,
    `--exec-root=${join(folder, 'exec')}`,
    `--pidfile=${join(folder, 'pid')}`,
    `--host=${env.DOCKER_HOST}`,
    `--cgroup-parent=/${cgroup}`,
    '--default-address-pool=base=192.168.240.0/20,size=24',
  ];
  /** The nsenter that waits for dockerd and ends with it. */
  let entered: ResultPromise | null = null;
  let ended = true;
  let restores = false;
  const dockerd = () => childOf(entered!.pid!)!;
  const replies = async () =>
    (await execa('docker', ['version'], { env, reject: false, timeout: 10_000 })).exitCode === 0;

  const self: PrivateDaemon = {
    env,
    async start({ liveRestore }) {
      if (!ended && restores === liveRestore) return;
      if (!ended) await self.end('SIGTERM');
      restores = liveRestore;
      const output = { file: log, append: true } as const;
      entered = execa('nsenter', [...args, `--live-restore=${liveRestore}`], {
        stdin: 'ignore',
        stdout: output,
        stderr: output,
        reject: false,
      }) as unknown as ResultPromise;
      ended = false;
      void entered.then(() => {
        ended = true;
      });
      await eventually(async () => ended || (await replies()), 'a dockerd that replies');
      if (ended) throw new Error(`dockerd did not come up: ${readFileSync(log, 'utf8').slice(-2_000)}`);
    },
    async end(signal) {
      process.kill(dockerd(), signal);
      await entered;
    },
    pause: () => void process.kill(dockerd(), 'SIGSTOP'),
    unpause() {
      if (ended) return;
      process.kill(dockerd(), 'SIGCONT');
      // It stops when the process that it waits for is stopped.
      process.kill(entered!.pid!, 'SIGCONT');
    },
    lives: pid => existsSync(`/proc/${init}/root/proc/${pid}`),
    async load(image) {
      const file = join(folder, 'image.tar');
      await execa('docker', ['save', `--output=${file}`, image]);
      await execa('docker', ['load', `--input=${file}`], { env });
      rmSync(file);
    },
    async remove() {
      holder.stdin.end();
      await Promise.all([holder, entered]);
      removeCgroups(cgroup);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return self;
}

function childOf(pid: number): number | null {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? null : Number(children.split(' ')[0]);
}

/** Remove the groups of containers that were killed with their namespaces, in each hierarchy. */
function removeCgroups(name: string): void {
  const root = '/sys/fs/cgroup';
  for (const folder of [root, ...readdirSync(root).map(entry => join(root, entry))])
    remove(join(folder, name));
}

function remove(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) remove(join(folder, entry.name));
  rmdirSync(folder);
}

/** Start it with the base image before the tests of a file, and remove it after them. */
export function upForTests(daemon: PrivateDaemon): void {
  test.after.always(() => daemon.remove());
  test.before(async t => {
    t.timeout(600_000);
    await execa(process.execPath, [bin, 'build']);
    await daemon.start({ liveRestore: true });
    await daemon.load('tmux-agents-base:latest');
  });
}
