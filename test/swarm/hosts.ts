import { type PrivateDaemon, privateDaemon } from '../faults/private-daemon.ts';
import { type Wire, wireTo } from '../remote/wire.ts';
import { type Bridge, createBridge } from './bridge.ts';

/** A host with an engine of its own, as far as clients and other hosts can tell. */
export interface Host {
  readonly name: string;
  /** Its address for other hosts. */
  readonly address: string;
  readonly daemon: PrivateDaemon;
  /** The environment of a docker client that is on the host. */
  readonly env: NodeJS.ProcessEnv;
  /** The address of the engine for other clients, `tcp://127.0.0.1:40123`. */
  readonly host: string;
  /** Let nothing through from and to the host, without an end, until it is restored: clients and other hosts lose it. */
  cut(): Promise<void>;
  restore(): Promise<void>;
}

export interface Hosts {
  /** `h1` and so on. */
  readonly hosts: readonly Host[];
  readonly bridge: Bridge;
  remove(): Promise<void>;
}

/** Make hosts on one network, from which this folder is hidden, and which is removed with them. */
export async function createHosts(count: number, hidden: string): Promise<Hosts> {
  const bridge = await createBridge(hidden);
  const wires: Wire[] = [];
  const create = async (index: number): Promise<Host> => {
    const name = `h${index + 1}`;
    // From a network for documentation, which no engine chooses for its own.
    const address = `192.0.2.${index + 1}`;
    const daemon = await privateDaemon({ hostname: name, prepare: `mount -t tmpfs none '${hidden}'` });
    await bridge.connect(name, daemon.init, `${address}/24`);
    const wire = await wireTo(daemon.env.DOCKER_HOST!.slice('unix://'.length));
    wires.push(wire);
    return {
      ...{ name, address, daemon, env: daemon.env, host: wire.host },
      async cut() {
        wire.cut();
        await bridge.set(name, 'down');
      },
      async restore() {
        await bridge.set(name, 'up');
        wire.restore();
      },
    };
  };
  const hosts = await Promise.all(Array.from({ length: count }, (_, index) => create(index)));
  return {
    ...{ hosts, bridge },
    async remove() {
      for (const wire of wires) wire.close();
      await Promise.all([bridge.remove(), ...hosts.map(({ daemon }) => daemon.remove())]);
    },
  };
}
