import { execa } from 'execa';
import { untilRemoved } from '../faults/until-removed.ts';

/** A bridge in a network namespace of its own: the machine's network has no part in it. It ends with this process. */
export interface Bridge {
  /** The process that keeps its namespace. */
  readonly pid: number;
  /** Connect the network namespace of a process, which gets this address. */
  connect(name: string, pid: number, address: string): Promise<void>;
  /** Connect or disconnect what has this name. */
  set(name: string, state: 'up' | 'down'): Promise<void>;
  remove(): Promise<void>;
}

/** `folder`: removed with it. */
export async function createBridge(folder: string): Promise<Bridge> {
  const up = 'ip link set lo up; ip link add bridge type bridge; ip link set bridge up; echo up';
  const holder = await untilRemoved({
    run: `unshare --net sh -c '${up}; exec cat >/dev/null'`,
    args: [folder],
    cleanUp: 'rm -rf "$1"',
  });
  const ip = (target: number, ...args: string[]) =>
    execa('nsenter', [`--target=${target}`, '--net', 'ip', ...args], { timeout: 60_000 });
  return {
    pid: holder.pid,
    async connect(name, peer, address) {
      await ip(holder.pid, ...`link add ${name} type veth peer name eth0 netns ${peer}`.split(' '));
      await ip(holder.pid, 'link', 'set', name, 'master', 'bridge', 'up');
      await ip(peer, 'addr', 'add', address, 'dev', 'eth0');
      await ip(peer, 'link', 'set', 'eth0', 'up');
    },
    async set(name, state) {
      await ip(holder.pid, 'link', 'set', name, state);
    },
    remove: holder.remove,
  };
}
