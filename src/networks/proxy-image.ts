import { join } from 'node:path';
import { label, labelFlags } from '../docker/labels.ts';
import { buildImage } from '../images/build.ts';
import { contentHash, proxyFolder } from '../images/content.ts';
import { type Image, type ImageContext, inspectImage } from '../images/inspect.ts';

const proxyImage = 'tmux-agents-proxy:latest';

/** Find the proxy's image, or build it. One of other content is never used, since its rules are unknown. */
export async function ensureProxyImage(timeout: number, context: ImageContext): Promise<Image> {
  const folder = join(context.source, proxyFolder);
  const content = await contentHash(folder);
  const found = await inspectImage(proxyImage, context);
  if (found?.labels[label.content] === content) return found;
  const args = labelFlags({ [label.content]: content });
  const operation = `build ${proxyImage}`;
  return buildImage({ tag: proxyImage, kind: 'proxy', operation, folder, args, timeout }, context);
}
