import { dockerError } from '../../docker/classify-error.ts';
import type { Docker, DockerResult } from '../../docker/cli.ts';
import type { Container } from '../../docker/containers.ts';
import { label } from '../../docker/labels.ts';
import { matchesMessage, messageOf } from '../../docker/messages.ts';
import { lines } from '../../docker/parse-output.ts';
import { EngineError } from '../../errors.ts';
import { parseImages } from '../../images/inspect.ts';
import { formatBytes } from '../../spec/units.ts';
import { oneLine } from '../../text/text.ts';
import type { Skipped } from './skipped.ts';

/** An image to remove, by one of its names, or by its id if it has none. */
export interface RemovableImage {
  readonly name: string;
  readonly about: string;
}

/** An image that a user builds on one of these inherits its label, so the name decides. */
const ownName = /^tmux-agents-(base|base-gpu|layer|build|proxy|provider|pause):/;

/** Find images that agent-flow built: those to remove, and those to skip because they are in use or renamed. */
export async function findImages(docker: Docker, staying: readonly Container[], isBuilding: boolean) {
  const listing = ['image', 'ls', '--quiet', '--no-trunc', `--filter=label=${label.image}`];
  const listed = await outputOf(docker, listing, 'list images');
  const ids = [...new Set(lines(listed.stdout).map(id => id.trim()))];
  const removable: RemovableImage[] = [];
  const skipped: Skipped[] = [];
  if (ids.length === 0) return { removable, skipped };
  const found = await outputOf(docker, ['image', 'inspect', ...ids], 'inspect images');
  for (const { id, tags, size, labels } of parseImages(found)) {
    const user = staying.find(container => container.image === id);
    const about = `${oneLine(labels[label.image] ?? '')}, ${formatBytes(size)}`;
    for (const name of tags.length === 0 ? [id] : tags)
      if (user) skipped.push({ name, why: `in use by container ${user.name}` });
      else if (tags.length === 0 && isBuilding)
        skipped.push({ name, why: 'it may belong to a running build' });
      else if (tags.length > 0 && !ownName.test(name))
        skipped.push({ name, why: 'not built by agent-flow, but on one of its images' });
      else removable.push({ name, about });
  }
  // Remove named images first: unnamed ones may be their parents.
  return { removable: removable.sort((a, b) => Number(isId(a.name)) - Number(isId(b.name))), skipped };
}

const isId = (name: string) => name.startsWith('sha256:');

/** Remove an image. Return null, or the reason why it still exists and whether that is a failure. */
export async function removeImage(
  docker: Docker,
  name: string,
): Promise<{ why: string; isFailure: boolean } | null> {
  const result = await docker(['image', 'rm', name], { isMutation: true, timeout: 120_000 });
  if (result.ok || matchesMessage('noImage', result.stderr)) return null;
  const why = oneLine(messageOf(result.stderr));
  // `imageBusy` is not a failure: it has come into use since it was listed, or it is the parent of a remaining image.
  return {
    why: why || 'docker did not respond in time',
    isFailure: !matchesMessage('imageBusy', result.stderr),
  };
}

/** Run a docker command. An image that was removed meanwhile is not a failure. */
async function outputOf(docker: Docker, args: readonly string[], operation: string): Promise<DockerResult> {
  const result = await docker(args, { timeout: 60_000 });
  if (result.ok || matchesMessage('noImage', result.stderr)) return result;
  throw new EngineError(dockerError(result, { operation }).message);
}
