import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type Options, type ResultPromise } from 'execa';
import { bin, eventually } from '../engine/flow.ts';
import { childOf, untilRemoved } from './until-removed.ts';

/**
 * A dockerd of the test's own, which it may end at any time without touching the machine's. It lives in namespaces that
 * a holder keeps, so that a restarted one finds its containers' mounts; when the holder ends, the kernel ends
 * everything in them: dockerd, containerd, shims and containers. The holder ends with this process, however that ends,
 * and removes its files.
 */
export interface PrivateDaemon {
  /** The environment of a docker client that uses it. */
  readonly env: NodeJS.ProcessEnv;
  /** The first process of its namespaces. */
  readonly init: number;
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
  /** Runs a program with its files and among its processes, but in the machine's network. It ends with it at the latest. */
  beside(command: readonly string[], options: Options): ResultPromise;
  /** Loads the image in this file. */
  load(file: string): Promise<void>;
  /** Ends it and removes everything it has made. */
  remove(): Promise<void>;
}

const namespaces = '--net --mount --uts --mount-proc --pid --fork --kill-child';
/** Shims put their sockets into a folder that would be the machine's, and dockerd has the key to its id in another. */
const hold = `ip link set lo up; for folder in /run/containerd /etc/docker; do
  mkdir -p $folder; mount -t tmpfs none $folder
done`;
/** The groups of containers that were killed with their namespaces, in each hierarchy. */
const removeCgroup =
  'find /sys/fs/cgroup -mindepth 1 -maxdepth 2 -name "$2" -exec find {} -depth -type d -delete ";" -prune';

export interface DaemonOptions {
  /** The contents of its daemon.json. */
  readonly config?: object;
  /** The name of its host, if it is not that of the machine. */
  readonly hostname?: string;
  /** Shell that changes its mounts before it starts; /run/containerd is for its files. */
  readonly prepare?: string;
}

export async function privateDaemon({
  config: settings = {},
  hostname = '',
  prepare = ':',
}: DaemonOptions = {}): Promise<PrivateDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-daemon-'));
  // Mapped users pass through here.
  chmodSync(folder, 0o711);
  const cgroup = `agent-flow-faults-${randomBytes(4).toString('hex')}`;
  const name = hostname === '' ? ':' : `hostname ${hostname}`;
  // docker-init reaps orphaned processes, or a dead containerd would seem to run.
  const holder = await untilRemoved({
    run: `unshare ${namespaces} docker-init -- sh -c "$1"`,
    args: [`${hold}; ${name}; ${prepare}; echo up; exec cat >/dev/null`, cgroup, folder],
    cleanUp: `${removeCgroup}; rm -rf "$3"`,
  });
  const init = childOf(holder.pid)!;

  const log = join(folder, 'log');
  const env = { DOCKER_HOST: `unix://${join(folder, 'sock')}` };
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify(settings));
  const args = [
    `--target=${init}`,
    ...['--net', '--mount', '--uts', '--pid', 'dockerd'],
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
    init,
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
    beside: (command, options) =>
      execa('nsenter', [`--target=${init}`, '--mount', '--pid', ...command], {
        stdin: 'ignore',
        reject: false,
        ...options,
      }) as unknown as ResultPromise,
    async load(file) {
      await execa('docker', ['load', `--input=${file}`], { env, timeout: 300_000 });
    },
    async remove() {
      await holder.remove();
      await entered;
    },
  };
  return self;
}

/** Start these daemons, and load the base image into each. */
export async function startWithBaseImage(
  daemons: readonly PrivateDaemon[],
  options: Parameters<PrivateDaemon['start']>[0],
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-image-'));
  const file = join(folder, 'image.tar');
  try {
    const save = async () => {
      await execa(process.execPath, [bin, 'build']);
      await execa('docker', ['save', `--output=${file}`, 'tmux-agents-base:latest'], { timeout: 300_000 });
    };
    await Promise.all([save(), ...daemons.map(daemon => daemon.start(options))]);
    await Promise.all(daemons.map(daemon => daemon.load(file)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
