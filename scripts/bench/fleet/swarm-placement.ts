import type { SimulatedEngine } from './simulated-engine.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface Service {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Bytes. */
  readonly memory: number;
  /** Names of nodes that it must not be placed on. */
  readonly exceptNodes: ReadonlySet<string>;
  node: Node | null;
  state: 'pending' | 'running' | 'shutdown';
}

export interface Node {
  readonly engine: SimulatedEngine;
  /** Bytes that are not reserved. */
  free: number;
  tasks: number;
  isDown: boolean;
}

/** Milliseconds until Swarm looks for a node, and until a node that is silent is down. */
const schedulingMs = 200;
const downAfterMs = 12_000;
const never = new AbortController().signal;

/** Places services on the node with the fewest tasks that has room. The others wait, first come, first served. */
export function swarmPlacement(engines: readonly SimulatedEngine[], clock: VirtualClock) {
  const nodes: Node[] = engines.map(engine => ({ engine, free: engine.memory, tasks: 0, isDown: false }));
  const placed = new Set<Service>();
  const waiting = new Set<Service>();

  const tryToPlace = (service: Service): boolean => {
    const fits = nodes.filter(
      ({ engine, free, isDown }) =>
        !isDown && free >= service.memory && !service.exceptNodes.has(engine.name),
    );
    if (fits.length === 0) return false;
    const node = fits.reduce((best, next) => (next.tasks < best.tasks ? next : best));
    node.free -= service.memory;
    node.tasks++;
    service.node = node;
    service.state = 'running';
    waiting.delete(service);
    placed.add(service);
    return true;
  };
  const placeWaiting = () => {
    for (const service of waiting) if (!tryToPlace(service)) return;
  };
  const release = (service: Service) => {
    if (!placed.delete(service)) return;
    const node = service.node!;
    node.free += service.memory;
    node.tasks--;
  };
  const noteSilence = async (node: Node) => {
    for (;;) {
      await clock.sleep(downAfterMs, never);
      if (node.engine.isSilent() === node.isDown) continue;
      node.isDown = node.engine.isSilent();
      if (!node.isDown) placeWaiting();
      else
        for (const service of placed)
          if (service.node === node) {
            release(service);
            service.state = 'shutdown';
          }
    }
  };
  for (const node of nodes) void noteSilence(node);
  return {
    nodes,
    add(service: Service) {
      waiting.add(service);
      void clock.sleep(schedulingMs, never).then(() => waiting.has(service) && tryToPlace(service));
    },
    remove(service: Service) {
      waiting.delete(service);
      release(service);
      placeWaiting();
    },
  };
}
