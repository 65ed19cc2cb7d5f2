import { asStepError } from '../../machines/step-error.ts';
import { memoizeAsync } from '../async/memoize.ts';
import { raceAbort } from '../async/race-abort.ts';
import { isAvailable, listNodes, nodeName, type SwarmNode } from './nodes.ts';
import { ensurePauseImage, pauseImage, pauseTag } from './pause-image.ts';
import type { SchedulerPorts } from './ports.ts';
import type { ReservationRequest } from './reservation.ts';
import { noContext, withHint } from './swarm-problem.ts';

/** The nodes of a Swarm on which this client can run agents. */
export interface NodePool {
  /** Return the parts of a reservation, and when they were chosen. Waits until there is a node; `report` gets the reason. */
  request(
    signal: AbortSignal,
    report: (reason: string) => void,
  ): Promise<Pick<ReservationRequest, 'image' | 'exceptNodes'> & { readonly since: number }>;
  /**
   * Make a node ready for agents and reservations. Returns the name of its host, and whether it was ready for this
   * reservation; null if it cannot be used for a while.
   */
  prepare(
    nodeId: string,
    reservation: { readonly since: number; readonly wasRefused: boolean },
    signal: AbortSignal,
  ): Promise<{ name: string; wasPrepared: boolean } | null>;
}

type Usable = SwarmNode & { readonly context: string };

/** Milliseconds for which a node that could not be reached is left out, and for which a list of the nodes is used. */
const leftOutFor = 30_000;
const listedFor = 5_000;

export function nodePool(ports: SchedulerPorts): NodePool {
  const { clock, connect, warn, signal: ending } = ports;
  const list = recentNodes(ports);
  /** By id, why a node is left out. */
  const leftOut = new Map<string, string>();
  const known = new Map<string, Usable>();
  const warned = new Set<string>();

  const whyUnusable = (node: SwarmNode): string | null => {
    if (node.context === null) return withHint(noContext(node.id));
    if (pauseImage(node.platform) === null) return `it is ${node.platform ?? 'of an unknown platform'}`;
    return leftOut.get(node.id) ?? null;
  };
  const warnOnce = (node: SwarmNode, why: string) => {
    const message = `no agent is placed on the node ${nodeName(node)}: ${why}`;
    if (!warned.has(message)) warn(message);
    warned.add(message);
  };
  const leaveOut = (node: SwarmNode, why: string) => {
    leftOut.set(node.id, why);
    warnOnce(node, why);
    void clock.sleep(leftOutFor, ending).then(
      () => leftOut.delete(node.id),
      () => {},
    );
  };
  const images = imageLoader(known, { connect, signal: ending });

  return {
    async request(signal, report) {
      for (;;) {
        const since = images.time();
        const nodes = await list(signal);
        const problems = nodes.map(node => ({ node, why: whyUnusable(node) }));
        for (const { node, why } of problems) if (why !== null) warnOnce(node, why);
        const usable = problems.filter(({ why }) => why === null).map(({ node }) => node as Usable);
        for (const node of usable) known.set(node.id, node);
        if (usable.length > 0) {
          const exceptNodes = problems.filter(({ why }) => why !== null).map(({ node }) => node.id);
          return { image: images.haveOtherIds() ? pauseTag : imageFor(usable), exceptNodes, since };
        }
        report('no node of the Swarm can be used');
        await clock.sleep(listedFor, signal);
      }
    },
    async prepare(nodeId, reservation, signal) {
      const node = known.get(nodeId);
      if (node === undefined) return null;
      try {
        // Reach it again for each agent: it may have become unreachable.
        await connect(node, signal);
        const wasPrepared = await images.ensure(nodeId, reservation, signal);
        return { name: node.context, wasPrepared };
      } catch (error) {
        if (signal.aborted) throw error;
        leaveOut(node, asStepError(error).message);
        return null;
      }
    },
  };
}

/** Return a function that lists the nodes, at most once in a while for all callers. A failure is not kept. */
function recentNodes({ docker, clock, signal: ending }: Pick<SchedulerPorts, 'docker' | 'clock' | 'signal'>) {
  let recent: Promise<SwarmNode[]> | null = null;
  const forget = () => {
    recent = null;
  };
  return (signal: AbortSignal): Promise<SwarmNode[]> => {
    if (recent === null) {
      recent = listNodes(docker, ending);
      void recent.then(() => clock.sleep(listedFor, ending)).then(forget, forget);
    }
    return raceAbort(recent, signal);
  };
}

/** Loads the image of reservations into each node that lacks it, and again after the node has refused one. */
function imageLoader(
  nodes: ReadonlyMap<string, Usable>,
  { connect, signal: ending }: Pick<SchedulerPorts, 'connect' | 'signal'>,
) {
  /** An engine may give an image another id than the one that is computed here. */
  let haveOtherIds = false;
  let now = 0;
  /** By id of a node: when its image was loaded; null if it was there before. */
  const loaded = new Map<string, number | null>();
  /** By id of a node, how often its image had to be looked for again. */
  const rounds = new Map<string, number>();
  const load = memoizeAsync(async key => {
    const node = nodes.get(key.split(' ', 1)[0]!)!;
    const image = pauseImage(node.platform)!;
    const { wasThere, id } = await ensurePauseImage(await connect(node, ending), image, ending);
    if (id !== image.id) haveOtherIds = true;
    return wasThere ? null : ++now;
  });
  return {
    haveOtherIds: () => haveOtherIds,
    time: () => ++now,
    /** Returns whether the node had the image at this time. */
    async ensure(
      nodeId: string,
      { since, wasRefused }: { readonly since: number; readonly wasRefused: boolean },
      signal: AbortSignal,
    ): Promise<boolean> {
      if (wasRefused && loaded.delete(nodeId)) rounds.set(nodeId, (rounds.get(nodeId) ?? 0) + 1);
      const known = loaded.get(nodeId);
      const at = known === undefined ? await load(`${nodeId} ${rounds.get(nodeId) ?? 0}`, signal) : known;
      loaded.set(nodeId, at);
      return at === null || at < since;
    },
  };
}

/** Swarm pulls no image that is named by its id. Nodes of several platforms share only the tag. */
function imageFor(nodes: readonly Usable[]): string {
  const available = nodes.filter(isAvailable);
  const platforms = new Set((available.length > 0 ? available : nodes).map(({ platform }) => platform));
  const [platform] = platforms;
  return platforms.size === 1 ? pauseImage(platform!)!.id : pauseTag;
}
