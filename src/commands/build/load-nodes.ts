import PQueue from 'p-queue';
import { asStepError } from '../../../machines/step-error.ts';
import { isLabelled, reachNode } from '../../connection/swarm-nodes.ts';
import { copyImages, type ImageIds, type ImageStore } from '../../images/copy-images.ts';
import { nodeName, type SwarmNode } from '../../swarm/nodes.ts';
import { noContext, withHint } from '../../swarm/swarm-problem.ts';
import { oneLine } from '../../text/text.ts';
import { printLine } from '../command.ts';

/** The result for a node, as `agent-flow build --load-nodes --json` prints it. */
export interface LoadedNode {
  readonly host: string | null;
  readonly node: string;
  /** `skipped`: a node without the label takes no agents. */
  readonly status: 'loaded' | 'present' | 'skipped' | 'failed';
  readonly why: string | null;
}

export interface LoadOptions {
  readonly from: ImageStore;
  /** `linux/amd64`. */
  readonly platform: string;
}

/** Each copy makes the engine read the whole image. */
const copiesAtOnce = 3;
const reachTimeout = 20_000;
const copyTimeout = 30 * 60_000;

/** Copy images to the engines of nodes, and print what was done for each. */
export async function loadNodes(
  nodes: readonly SwarmNode[],
  ids: ImageIds,
  options: LoadOptions,
): Promise<LoadedNode[]> {
  const queue = new PQueue({ concurrency: copiesAtOnce });
  return Promise.all(
    nodes.map(node =>
      queue.add(async () => {
        const name = nodeName(node);
        const result = await load(node, ids, options).catch(error => failed(asStepError(error).message));
        printLine(
          oneLine(`${name}: ${labels[result.status]}${result.why === null ? '' : `: ${result.why}`}`),
        );
        return { host: node.context, node: name, ...result };
      }),
    ),
  );
}

type Result = Pick<LoadedNode, 'status' | 'why'>;

const failed = (why: string): Result => ({ status: 'failed', why });

const labels: Readonly<Record<LoadedNode['status'], string>> = {
  loaded: 'loaded',
  present: 'has it already',
  skipped: 'skipped',
  failed: 'not loaded',
};

async function load(node: SwarmNode, ids: ImageIds, { from, platform }: LoadOptions): Promise<Result> {
  if (!isLabelled(node)) return { status: 'skipped', why: withHint(noContext(node.id)) };
  if (node.platform !== platform)
    return failed(`the node is ${node.platform ?? 'of an unknown platform'}, the image is ${platform}`);
  const copied = await copyImages(ids, {
    from,
    to: await reachNode(node, reachTimeout),
    timeout: copyTimeout,
  });
  return copied.length === 0
    ? { status: 'present', why: null }
    : { status: 'loaded', why: copied.join(' and ') };
}
