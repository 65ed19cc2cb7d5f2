import { join } from 'node:path';
import { asStepError, StepError } from '../../machines/step-error.ts';
import { dockerError } from '../docker/classify-error.ts';
import { label, labelFlags } from '../docker/labels.ts';
import { baseImage } from './base.ts';
import { buildImage } from './build.ts';
import { contentHash, tagOf } from './content.ts';
import { type Image, type ImageContext, inspectImage, limits } from './inspect.ts';

/** An image that the in-container commands are added to. */
export interface SourceImage {
  /** Its name in the spec, or the tag of its build. */
  readonly name: string;
  readonly image: Image;
}

/** Add the in-container commands to an image, built once per content of the image and of the commands. Returns the id. */
export async function ensureLayer(
  { name, image }: SourceImage,
  { base, timeout }: { readonly base: () => Promise<Image>; readonly timeout: number },
  context: ImageContext,
): Promise<string> {
  const refuse = (why: string) => new StepError('image', `the image ${name} cannot run agents: ${why}`);
  const tag = tagOf(image.id, await contentHash(context.source));
  const layer = `tmux-agents-layer:${tag}`;
  const found = await inspectImage(layer, context);
  if (found) return found.id;

  const mismatch = foreignPlatform(name, image, await base());
  if (mismatch !== null) throw refuse(mismatch);

  const plain = image.triggers.length > 0 ? await withoutTriggers(image, tag, context) : null;
  try {
    const args = [
      `--file=${join(context.source, 'Dockerfile.layer')}`,
      '--network=none',
      ...buildArgs({
        BASE_IMAGE: baseImage,
        IMAGE: plain ?? reference(name, image),
        IMAGE_USER: image.user || '0',
        IMAGE_LANG: variable('LANG', image) || 'C.UTF-8',
        IMAGE_PATH: searchPath(image),
      }),
    ];
    const built = await buildImage(
      {
        tag: layer,
        kind: 'layer',
        operation: `make the image ${name} fit for agents`,
        folder: context.source,
        args,
        timeout,
        explain: output => {
          if (oldBase.test(output))
            return `${baseImage} is of another release, and lacks the files for other images. Rebuild it: agent-flow build`;
          const why = refusalIn(output);
          return why === null
            ? null
            : refuse(`${why}. Use another one, or build it FROM ${baseImage}`).message;
        },
      },
      context,
    );
    return built.id;
  } finally {
    if (plain) await context.docker(['rmi', plain], cleaning);
  }
}

/** Not aborted by the end of the run. */
const cleaning = { timeout: 60_000, isMutation: true };

export const buildArgs = (args: Readonly<Record<string, string>>) =>
  Object.entries(args).map(([key, value]) => `--build-arg=${key}=${value}`);

/** BuildKit's FROM does not accept an id: a tag of the image takes its place. */
const reference = (name: string, { id, tags }: Image) =>
  id.startsWith(`sha256:${name.replace(/^sha256:/, '')}`) ? (tags[0] ?? name) : name;

function foreignPlatform(name: string, { platform }: Image, { platform: ours }: Image): string | null {
  if (platform.os === ours.os && platform.arch === ours.arch) return null;
  if ([platform, ours].some(({ os, arch }) => os === '' || arch === '')) return null;
  return `it is for ${platform.os}/${platform.arch}, and this engine runs ${ours.os}/${ours.arch}. Pull it with docker pull --platform=${ours.os}/${ours.arch} ${name}`;
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Return the image's PATH, with the folder of the in-container commands. */
const searchPath = (image: Image) =>
  findsCommands(image) ? ownPath(image) : `${ownPath(image) || defaultPath}:${commandsFolder}`;

/** Return the image's PATH, or Docker's default if the image sets none. An empty one stays empty. */
const ownPath = (image: Image) => variable('PATH', image) ?? defaultPath;
const commandsFolder = '/usr/local/bin';

/** Return whether the folder of the in-container commands is on the image's PATH. */
export const findsCommands = (image: Image) => ownPath(image).split(':').includes(commandsFolder);

const variable = (name: string, { env }: Image) =>
  env.find(entry => entry.startsWith(`${name}=`))?.slice(name.length + 1);

/** The base image lacks the files that are copied out of it: it was built by hand from an older release. */
const oldBase =
  /usr\/local\/lib\/agent-flow(?:\/run)?\/?"?: (?:lstat \S+: no such file|file does not exist|not found)/;

/** Return why the image cannot be used, from the build's output; null without a reason there. */
export function refusalIn(output: string): string | null {
  if (/exec:? "?\/bin\/sh"?: .*(no such file|not found)/i.test(output)) return 'it has no /bin/sh';
  return /^(?:#\d+ [\d.]+ )?(?:\x1b\[\d*m)*agent-flow: ([^\n\r\x1b]{1,300})/m.exec(output)?.[1] ?? null;
}

/** Remove ONBUILD triggers, which are meant for builds of the user. A commit of a container omits them. */
async function withoutTriggers(image: Image, tag: string, context: ImageContext): Promise<string> {
  const { docker } = context;
  const options = { ...limits(context, 120_000), isMutation: true };
  const container = `tmux-agents-layer-${tag}`;
  const plain = `tmux-agents-layer:plain-${tag}`;
  const done = async (args: readonly string[]) => {
    const result = await docker(args, options);
    if (!result.ok)
      throw asStepError(dockerError(result, { operation: 'take the triggers off an image' }), {
        fallbackKind: 'image',
      });
  };
  // A killed supervisor may have left a container of this name.
  const remove = () => docker(['rm', '--force', '--volumes', container], cleaning);
  await remove();
  try {
    await done([
      'create',
      `--name=${container}`,
      '--pull=never',
      ...labelFlags({ [label.image]: 'layer' }),
      '--',
      image.id,
      'true',
    ]);
    await done(['commit', container, plain]);
  } finally {
    await remove();
  }
  return plain;
}
