import { asStepError, StepError } from '../../machines/step-error.ts';
import { memoizeAsync } from '../async/memoize.ts';
import { dockerError } from '../docker/classify-error.ts';
import { label } from '../docker/labels.ts';
import type { Providers } from '../providers/catalogue.ts';
import type { BuildPlan, UserPlan } from '../spec/plan.ts';
import { baseTag, ensureBaseImage, protocol } from './base.ts';
import { checkGpus } from './gpu.ts';
import { type Image, type ImageContext, inspectImage, limits } from './inspect.ts';
import { ensureLayer, findsCommands, type SourceImage } from './layer.ts';
import { ensureProvider } from './provider.ts';
import { ensureUser } from './user.ts';
import { buildFromSpec } from './user-build.ts';

/** The image that an agent needs. */
export interface ImageRequest {
  /** Its name; null for a `build`, or for the base image. */
  readonly image: string | null;
  readonly build: BuildPlan | null;
  readonly gpus: boolean;
  /** The provider whose CLI it needs; `command` for none. */
  readonly provider: string;
  /** The user who needs a name and a home in it; null for the image's own. */
  readonly user: UserPlan | null;
  /** Milliseconds for a pull, or for the build. */
  readonly timeout: number;
}

/**
 * Return a function that resolves with the id of an image with the in-container commands: it finds, pulls or builds the
 * image, and adds the commands if it lacks them. Work that several requests share is done once. `timeout`, in milliseconds,
 * is for builds of our own images.
 */
export function imageBuilder(
  context: ImageContext,
  { timeout, providers }: { timeout: number; providers: Providers },
): (request: ImageRequest) => Promise<string> {
  const gpus = memoizeAsync(() => checkGpus(context));
  const base = memoizeAsync(() => ensureBaseImage('base', timeout, context));
  const gpuBase = memoizeAsync(() => ensureBaseImage('gpu', timeout, context));
  const sources = new Map<string, SourceImage>();
  const layer = memoizeAsync(id => ensureLayer(sources.get(id)!, { base: () => base(''), timeout }, context));

  const buildPlain = async (request: ImageRequest): Promise<string> => {
    if (request.gpus) await gpus('');
    if (request.build === null && request.image === null)
      return (await (request.gpus ? gpuBase : base)('')).id;
    // The build may be FROM our base image.
    if (request.build !== null) await base('');
    const source =
      request.build === null
        ? { name: request.image!, image: await ensureNamedImage(request.image!, request.timeout, context) }
        : await buildFromSpec(request.build, request.timeout, context);
    if (isAgentImage(source.image)) return source.image.id;
    sources.set(source.image.id, source);
    return layer(source.image.id);
  };
  const withProvider = memoizeAsync(async key => {
    const [image, name] = JSON.parse(key);
    return (await ensureProvider(image, providers.get(name)!, timeout, context)).id;
  });
  const users = memoizeAsync(key => {
    const [image, uid, gid] = JSON.parse(key);
    return ensureUser(image, { uid, gid }, timeout, context);
  });

  return async request => {
    const { user, provider } = request;
    const plain = await buildPlain(request);
    const image = providers.has(provider) ? await withProvider(JSON.stringify([plain, provider])) : plain;
    return user === null || user.uid === 0 ? image : users(JSON.stringify([image, user.uid, user.gid]));
  };
}

/** Return the name of the image that is inspected first for a request, whatever it has. */
export const firstImage = ({ image, build, gpus }: Pick<ImageRequest, 'image' | 'build' | 'gpus'>): string =>
  build === null ? (image ?? baseTag(gpus ? 'gpu' : 'base')) : baseTag('base');

/** A build FROM an image of ours inherits the label, but may have a PATH without our commands. */
const isAgentImage = (image: Image) => image.labels[label.protocol] === protocol && findsCommands(image);

async function ensureNamedImage(name: string, timeout: number, context: ImageContext): Promise<Image> {
  const { docker } = context;
  const found = await inspectImage(name, context);
  if (found) return found;
  const result = await docker(['pull', '--quiet', '--', name], {
    ...limits(context, timeout),
    isMutation: true,
  });
  if (!result.ok) {
    const operation = `pull the image ${name}, which does not exist locally`;
    const error = asStepError(dockerError(result, { operation }), { fallbackKind: 'image' });
    const { kind, inDoubt, message } = error;
    throw new StepError(kind, `${message}. Check its name, or build it here first`, { inDoubt });
  }
  const pulled = await inspectImage(name, context);
  if (!pulled) throw new StepError('image', `the image ${name} was removed after it was pulled`);
  return pulled;
}
