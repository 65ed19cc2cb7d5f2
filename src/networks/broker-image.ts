import { join } from 'node:path';
import { label, labelFlags } from '../docker/labels.ts';
import { buildImage } from '../images/build.ts';
import { brokerFolder, contentHash } from '../images/content.ts';
import { type Image, type ImageContext, inspectImage } from '../images/inspect.ts';

const brokerImage = 'tmux-agents-broker:latest';

/** Find the broker's image, or build it. One of other content is never used, since it would get the keys. */
export async function ensureBrokerImage(timeout: number, context: ImageContext): Promise<Image> {
  const folder = join(context.source, brokerFolder);
  const content = await contentHash(folder);
  const found = await inspectImage(brokerImage, context);
  if (found?.labels[label.content] === content) return found;
  const args = labelFlags({ [label.content]: content });
  const operation = `build ${brokerImage}`;
  return buildImage({ tag: brokerImage, kind: 'broker', operation, folder, args, timeout }, context);
}
