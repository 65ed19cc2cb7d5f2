import { join } from 'node:path';
import { label, labelFlags } from '../docker/labels.ts';
import { buildImage } from './build.ts';
import { contentHash } from './content.ts';
import { type Image, type ImageContext, inspectImage } from './inspect.ts';

/** The version of the in-container commands that this release uses. */
export const protocol = '2';

export const baseImage = 'tmux-agents-base:latest';
const gpuImage = 'tmux-agents-base-gpu:latest';

/** The images of agents whose spec names none. */
export type BaseKind = 'base' | 'gpu';

const recipes: Readonly<Record<BaseKind, { readonly tag: string; readonly dockerfile: string }>> = {
  base: { tag: baseImage, dockerfile: 'Dockerfile' },
  gpu: { tag: gpuImage, dockerfile: 'Dockerfile.gpu' },
};

export const baseTag = (kind: BaseKind) => recipes[kind].tag;

/** Find the image, or build it if it does not exist or has other content. */
export async function ensureBaseImage(
  kind: BaseKind,
  timeout: number,
  context: ImageContext,
): Promise<Image> {
  const content = await contentHash(context.source);
  const found = await inspectImage(baseTag(kind), context);
  const labels = found?.labels ?? {};
  // An image that was built by hand, or changed, is used as it is if its protocol fits.
  const fits = labels[label.protocol] === protocol && (labels[label.content] ?? content) === content;
  return found && fits ? found : buildBaseImage(kind, { timeout }, context);
}

export interface BaseOptions {
  /** Milliseconds. */
  readonly timeout: number;
  readonly noCache?: boolean;
  /** The image to build it FROM, in place of the default. */
  readonly from?: string | undefined;
}

/** Build the image, also if it exists. */
export async function buildBaseImage(
  kind: BaseKind,
  { timeout, noCache = false, from }: BaseOptions,
  context: ImageContext,
): Promise<Image> {
  const { tag, dockerfile } = recipes[kind];
  const args = [
    `--file=${join(context.source, dockerfile)}`,
    ...labelFlags({ [label.content]: await contentHash(context.source) }),
    ...(from === undefined ? [] : [`--build-arg=BASE_IMAGE=${from}`]),
    ...(noCache ? ['--no-cache'] : []),
  ];
  return buildImage({ tag, kind, operation: `build ${tag}`, folder: context.source, args, timeout }, context);
}
