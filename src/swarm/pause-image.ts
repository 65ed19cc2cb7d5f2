import { createHash } from 'node:crypto';
import { dockerError } from '../docker/classify-error.ts';
import type { Docker } from '../docker/cli.ts';
import { label } from '../docker/labels.ts';
import { matchesMessage } from '../docker/messages.ts';
import { pauseProgram } from './pause-program.ts';
import { tarOf } from './tar.ts';

/** The image of reservations: a program that does nothing. */
export const pauseTag = 'tmux-agents-pause:latest';

/** An image to be loaded into an engine. Its id is the same on all engines: Swarm pulls no image that is named by its id. */
export interface PauseImage {
  /** `sha256:…` */
  readonly id: string;
  /** An archive as `docker load` reads it. */
  readonly archive: Buffer;
}

const made = new Map<string | null, PauseImage | null>();

/** Return the image for a platform such as `linux/amd64`; null for one without it. */
export function pauseImage(platform: string | null): PauseImage | null {
  // Every placing asks for it, for every node.
  const known = made.get(platform);
  if (known !== undefined) return known;
  const image = makePauseImage(platform);
  made.set(platform, image);
  return image;
}

function makePauseImage(platform: string | null): PauseImage | null {
  const [system = '', architecture = ''] = (platform ?? '').split('/');
  const program = system === 'linux' ? pauseProgram(architecture) : null;
  if (program === null) return null;
  const layer = tarOf([{ name: 'pause', mode: 0o755, content: program }]);
  const config = JSON.stringify({
    architecture,
    os: system,
    created: '1970-01-01T00:00:00Z',
    // Without the mark of agents: containers inherit the labels of their image.
    config: { Entrypoint: ['/pause'], Labels: { [label.image]: 'pause' } },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
  });
  const id = sha256(config);
  const manifest = [{ Config: `${id}.json`, RepoTags: [pauseTag], Layers: ['layer.tar'] }];
  const archive = tarOf([
    { name: 'manifest.json', mode: 0o644, content: Buffer.from(JSON.stringify(manifest)) },
    { name: `${id}.json`, mode: 0o644, content: Buffer.from(config) },
    { name: 'layer.tar', mode: 0o644, content: layer },
  ]);
  return { id: `sha256:${id}`, archive };
}

/** Load the image into an engine that lacks it. Returns whether it was there before, and its id on this engine. */
export async function ensurePauseImage(
  docker: Docker,
  { archive }: PauseImage,
  signal: AbortSignal,
): Promise<{ wasThere: boolean; id: string }> {
  const options = { timeout: 60_000, signal };
  const find = () => docker(['image', 'inspect', '--format={{.Id}}', '--', pauseTag], options);
  const before = await find();
  if (before.ok) return { wasThere: true, id: before.stdout.trim() };
  if (!matchesMessage('noImage', before.stderr))
    throw dockerError(before, { operation: `look for the image ${pauseTag}`, fallbackKind: 'transient' });
  const loaded = await docker(['load', '--quiet'], { ...options, input: archive, isMutation: true });
  if (!loaded.ok) throw dockerError(loaded, { operation: `load the image ${pauseTag}` });
  const after = await find();
  if (!after.ok) throw dockerError(after, { operation: `look for the image ${pauseTag}` });
  return { wasThere: false, id: after.stdout.trim() };
}

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
