import { join } from 'node:path';
import { flags, label } from '../docker/labels.ts';
import { buildImage } from '../images/build.ts';
import { contentHash, proxyFolder } from '../images/content.ts';
import { type Image, type ImageContext, inspectImage } from '../images/inspect.ts';

const proxyImage = 'tmux-agents-proxy:latest';

/** Finds the proxy's image, or builds it. One of other content is never used: what it lets through nobody knows. */
export async function ensureProxyImage(timeout: number, context: ImageContext): Promise<Image> {
  const folder = join(context.source, proxyFolder);
  const content = await contentHash(folder);
  const found = await inspectImage(proxyImage, context);
  if (found?.labels[label.content] === content) return found;
  const args = flags({ [label.content]: content });
  const operation = `build ${proxyImage}`;
  return buildImage({ tag: proxyImage, kind: 'proxy', operation, folder, args, timeout }, context);
}
