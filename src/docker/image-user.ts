import { join } from 'node:path';
import type { UserPlan } from '../spec/plan.ts';
import { buildImage } from './image-build.ts';
import { contentHash, tagOf } from './image-content.ts';
import { type ImageContext, inspectImage } from './image-inspect.ts';
import { buildArgs } from './image-layer.ts';

/** The image with a name and a home for a user it need not know, built once for each of them. Returns its id. */
export async function ensureUser(
  image: string,
  { uid, gid }: UserPlan,
  timeout: number,
  context: ImageContext,
): Promise<string> {
  const hash = tagOf(image, String(uid), String(gid), await contentHash(context.source));
  const tag = `tmux-agents-layer:${hash}`;
  const found = await inspectImage(tag, context);
  if (found) return found.id;
  // BuildKit's FROM takes no id.
  const ground = `tmux-agents-layer:ground-${hash}`;
  const tagged = await context.docker(['tag', image, ground], { changes: true });
  const args = [
    `--file=${join(context.source, 'Dockerfile.user')}`,
    '--network=none',
    ...buildArgs({ IMAGE: tagged.ok ? ground : image, AGENT_UID: String(uid), AGENT_GID: String(gid) }),
  ];
  const doing = `make the image fit for the user ${uid}:${gid}`;
  try {
    const built = await buildImage(
      { tag, kind: 'layer', doing, folder: context.source, args, timeout },
      context,
    );
    return built.id;
  } finally {
    await context.docker(['rmi', '--no-prune', ground], { timeout: 60_000, changes: true });
  }
}
