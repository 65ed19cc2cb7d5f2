import { join } from 'node:path';
import type { UserPlan } from '../spec/plan.ts';
import { contentHash, tagOf } from './content.ts';
import { ensureDerived } from './derived.ts';
import type { ImageContext } from './inspect.ts';

/** Add a name and a home for a user to an image, built once per user. Returns the id. */
export async function ensureUser(
  image: string,
  { uid, gid }: UserPlan,
  timeout: number,
  context: ImageContext,
): Promise<string> {
  const hash = tagOf(image, String(uid), String(gid), await contentHash(context.source));
  const made = await ensureDerived(
    {
      from: image,
      tag: `tmux-agents-layer:${hash}`,
      kind: 'layer',
      operation: `make the image fit for the user ${uid}:${gid}`,
      folder: context.source,
      options: [`--file=${join(context.source, 'Dockerfile.user')}`, '--network=none'],
      args: { AGENT_UID: String(uid), AGENT_GID: String(gid) },
      timeout,
    },
    context,
  );
  return made.id;
}
