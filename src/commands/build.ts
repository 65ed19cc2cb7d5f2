import { join } from 'node:path';
import { asStepError } from '../../machines/step-error.ts';
import { reachCurrent } from '../connection/engine-connection.ts';
import { nodesOf } from '../connection/swarm-nodes.ts';
import { EngineError, FlowError } from '../errors.ts';
import { type BaseKind, baseTag, buildBaseImage } from '../images/base.ts';
import type { Image, ImageContext } from '../images/inspect.ts';
import { ensureProvider } from '../images/provider.ts';
import { packageFolder } from '../package.ts';
import type { Provider } from '../providers/provider.ts';
import { findProvider } from '../spec/user-providers.ts';
import { oneLine } from '../text/text.ts';
import { loadNodes } from './build/load-nodes.ts';
import { type Command, type CommonOptions, printJson, printLine } from './command.ts';
import { managerContext, managerOption } from './engine-option.ts';

interface BuildOptions extends CommonOptions {
  readonly gpu: boolean;
  readonly baseImage?: string;
  readonly provider?: string;
  readonly cache: boolean;
  readonly loadNodes: boolean;
  readonly swarm?: string;
  readonly json: boolean;
}

const thirtyMinutes = 30 * 60_000;

export const build: Command = {
  options: yargs =>
    yargs
      .option('gpu', { type: 'boolean', default: false, describe: 'Build the image with CUDA instead' })
      .option('base-image', { type: 'string', requiresArg: true, describe: 'Image to build from' })
      .option('provider', {
        type: 'string',
        requiresArg: true,
        describe: 'Also build the image of this AI CLI',
      })
      // yargs reads `--no-cache` as `cache: false`.
      .option('cache', { type: 'boolean', default: true, hidden: true })
      .option('no-cache', { type: 'boolean', describe: 'Build every layer without the cache' })
      .option('load-nodes', {
        type: 'boolean',
        default: false,
        describe: 'Copy the images to the nodes of a Docker Swarm',
      })
      .option('swarm', managerOption)
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'Print the image as one line of JSON',
      })
      .check(({ swarm, loadNodes }) => {
        if (swarm !== undefined && !loadNodes) throw new Error('--swarm requires --load-nodes');
        return true;
      }),

  async handler(options: BuildOptions) {
    const { json } = options;
    const provider =
      options.provider === undefined ? null : await findProvider(options.provider, process.env);
    const connection = await reachCurrent();
    const manager = options.swarm === undefined ? connection : await managerOf(options.swarm);
    // Before the build, which takes minutes.
    const nodes = options.loadNodes ? await nodesOf(manager) : null;
    const context = { docker: connection.docker, source: join(packageFolder, 'docker') };
    const images = await buildImages(options, provider, context).catch((error: unknown) => {
      throw new FlowError(asStepError(error).message, 1);
    });
    const [image, { id, platform }] = images.at(-1)!;
    if (!json) printLine(`${image} is ${id}`);
    if (nodes === null) {
      if (json) printJson({ image, id });
      return 0;
    }
    const ids = Object.fromEntries(images.map(([name, { id }]) => [name, id]));
    const loaded = await loadNodes(nodes, ids, {
      from: connection,
      platform: `${platform.os}/${platform.arch}`,
    });
    if (json) printJson({ image, id, nodes: loaded });
    const failed = loaded.filter(({ status }) => status === 'failed');
    if (failed.length > 0)
      throw new EngineError(
        `not all nodes have ${image}: ${failed.map(({ node }) => oneLine(node)).join(', ')}`,
      );
    return 0;
  },
};

const managerOf = (swarm: string) => reachCurrent(undefined, { context: managerContext(swarm) });

/** Build the base image, and that of an AI CLI. Returns each with its name. */
async function buildImages(
  { gpu, baseImage: from, cache }: BuildOptions,
  provider: Provider | null,
  context: ImageContext,
): Promise<(readonly [string, Pick<Image, 'id' | 'platform'>])[]> {
  const kind: BaseKind = gpu ? 'gpu' : 'base';
  const tag = baseTag(kind);
  printLine(`building ${tag} (the first build takes a minute or two)`);
  const base = await buildBaseImage(kind, { timeout: thirtyMinutes, noCache: !cache, from }, context);
  if (provider === null) return [[tag, base]];
  printLine(`installing ${provider.title}`);
  const made = await ensureProvider(base.id, provider, thirtyMinutes, context);
  return [
    [tag, base],
    [made.tags[0] ?? made.id, made],
  ];
}
