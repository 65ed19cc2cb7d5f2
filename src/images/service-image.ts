import { join } from 'node:path';
import { label, labelFlags } from '../docker/labels.ts';
import { buildImage } from './build.ts';
import { contentHash } from './content.ts';
import { type Image, type ImageContext, inspectImage } from './inspect.ts';

/**
 * Find the image of a container that serves agents, or build it. One of other content is never used: its proxy would have
 * unknown rules, and its broker would get the keys.
 */
export async function ensureServiceImage(
  kind: 'proxy' | 'broker' | 'model-stub',
  timeout: number,
  context: ImageContext,
): Promise<Image> {
  const tag = `tmux-agents-${kind}:latest`;
  const folder = join(context.source, kind);
  const content = await contentHash(folder);
  const found = await inspectImage(tag, context);
  if (found?.labels[label.content] === content) return found;
  const args = labelFlags({ [label.content]: content });
  return buildImage({ tag, kind, operation: `build ${tag}`, folder, args, timeout }, context);
}
