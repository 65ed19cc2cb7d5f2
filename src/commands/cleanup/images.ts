import type { Docker, DockerAnswer } from '../../docker/cli.ts';
import { type Container, lines } from '../../docker/containers.ts';
import { dockerError, matchesMessage, messageOf } from '../../docker/errors.ts';
import { label } from '../../docker/labels.ts';
import { EngineError } from '../../errors.ts';
import { parseImages } from '../../images/inspect.ts';
import { formatBytes } from '../../spec/units.ts';
import { oneLine } from '../../text/text.ts';
import type { Skipped } from './plan.ts';

/** A name of an image, or the id of one without a name. */
export interface RemovableImage {
  readonly name: string;
  readonly about: string;
}

/** Images that somebody builds on ours inherit our label; only under these names is it our own. */
const ourName = /^tmux-agents-(base|base-gpu|layer|build|proxy|provider):/;

/** The images that agent-flow has made, and of these what is left alone, since a container uses it or somebody else has named it. */
export async function findImages(docker: Docker, staying: readonly Container[], isBuilding: boolean) {
  const listing = ['image', 'ls', '--quiet', '--no-trunc', `--filter=label=${label.image}`];
  const listed = await answerOf(docker, listing, 'ask Docker for its images');
  const ids = [...new Set(lines(listed.stdout).map(id => id.trim()))];
  const doomed: RemovableImage[] = [];
  const left: Skipped[] = [];
  if (ids.length === 0) return { doomed, left };
  const found = await answerOf(docker, ['image', 'inspect', ...ids], 'look at its images');
  for (const { id, tags, size, labels } of parseImages(found)) {
    const user = staying.find(container => container.image === id);
    const about = `${oneLine(labels[label.image] ?? '')}, ${formatBytes(size)}`;
    for (const name of tags.length === 0 ? [id] : tags)
      if (user) left.push({ name, why: `container ${user.name} uses it` });
      else if (tags.length === 0 && isBuilding)
        left.push({ name, why: 'it may belong to a build under way' });
      else if (tags.length > 0 && !ourName.test(name))
        left.push({ name, why: 'built on an image of ours, but not by agent-flow' });
      else doomed.push({ name, about });
  }
  // Those with a name may be what those without one are still needed for.
  return { doomed: doomed.sort((a, b) => Number(isId(a.name)) - Number(isId(b.name))), left };
}

const isId = (name: string) => name.startsWith('sha256:');

/** Null when it is gone, else why it is still there and whether that is a failure. */
export async function removeImage(
  docker: Docker,
  name: string,
): Promise<{ why: string; isFailure: boolean } | null> {
  const answer = await docker(['image', 'rm', name], { changes: true, timeout: 120_000 });
  if (answer.ok || matchesMessage('noImage', answer.stderr)) return null;
  const why = oneLine(messageOf(answer.stderr));
  // Somebody has begun to use it since we looked, or it is the base of an image that stays.
  return {
    why: why || 'docker did not answer in time',
    isFailure: !matchesMessage('imageBusy', answer.stderr),
  };
}

/** Images that vanish between the list and the look at them are no failure. */
async function answerOf(docker: Docker, args: readonly string[], operation: string): Promise<DockerAnswer> {
  const answer = await docker(args, { timeout: 60_000 });
  if (answer.ok || matchesMessage('noImage', answer.stderr)) return answer;
  throw new EngineError(dockerError(answer, { operation }).message);
}
