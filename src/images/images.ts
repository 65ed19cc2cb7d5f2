import { asStepError, StepError } from '../../machines/step-error.ts';
import { dockerError } from '../docker/errors.ts';
import { label, protocol } from '../docker/labels.ts';
import { singleFlight } from '../docker/single-flight.ts';
import { providerNamed } from '../providers/catalogue.ts';
import type { BuildPlan, UserPlan } from '../spec/plan.ts';
import { ensureBaseImage } from './base.ts';
import { checkGpus } from './gpu.ts';
import { type Image, type ImageContext, inspectImage, limits } from './inspect.ts';
import { ensureLayer, findsCommands, type SourceImage } from './layer.ts';
import { ensureProvider } from './provider.ts';
import { ensureUser } from './user.ts';
import { buildFromSpec } from './user-build.ts';

/** What an agent is to run in. */
export interface ImageRequest {
  /** A name; null with a `build` too: one of ours. */
  readonly image: string | null;
  readonly build: BuildPlan | null;
  readonly gpus: boolean;
  /** Whose CLI is to be on it; `command` for nobody's. */
  readonly provider: string;
  /** Who is to have a name and a home in it; null: who has one anyhow. */
  readonly user: UserPlan | null;
  /** Milliseconds for a pull, or for the build. */
  readonly timeout: number;
}

/**
 * The ids of images that bring the in-container commands: found, pulled or built, and made fit where they lack them.
 * What several wishes have in common is done once; `timeout` is for what we build ourselves, in milliseconds.
 */
export function imageBuilder(
  context: ImageContext,
  timeout: number,
): (wish: ImageRequest) => Promise<string> {
  const gpus = singleFlight(() => checkGpus(context));
  const base = singleFlight(() => ensureBaseImage('base', timeout, context));
  const gpuBase = singleFlight(() => ensureBaseImage('gpu', timeout, context));
  const grounds = new Map<string, SourceImage>();
  const layer = singleFlight(id => ensureLayer(grounds.get(id)!, { base: () => base(''), timeout }, context));

  const made = async (wish: ImageRequest): Promise<string> => {
    if (wish.gpus) await gpus('');
    if (wish.build === null && wish.image === null) return (await (wish.gpus ? gpuBase : base)('')).id;
    // A build may well be FROM our base image.
    if (wish.build !== null) await base('');
    const ground =
      wish.build === null
        ? { name: wish.image!, image: await ensureNamedImage(wish.image!, wish.timeout, context) }
        : await buildFromSpec(wish.build, wish.timeout, context);
    if (isAgentImage(ground.image)) return ground.image.id;
    grounds.set(ground.image.id, ground);
    return layer(ground.image.id);
  };
  const withProvider = singleFlight(async key => {
    const [image, name] = JSON.parse(key);
    return (await ensureProvider(image, providerNamed(name)!, timeout, context)).id;
  });
  const users = singleFlight(key => {
    const [image, uid, gid] = JSON.parse(key);
    return ensureUser(image, { uid, gid }, timeout, context);
  });

  return async wish => {
    const { user, provider } = wish;
    const plain = await made(wish);
    const isAi = providerNamed(provider) !== undefined;
    const image = isAi ? await withProvider(JSON.stringify([plain, provider])) : plain;
    return user === null || user.uid === 0 ? image : users(JSON.stringify([image, user.uid, user.gid]));
  };
}

/** A build FROM an image of ours inherits the label, and may have a PATH on which our commands are not. */
const isAgentImage = (image: Image) => image.labels[label.protocol] === protocol && findsCommands(image);

async function ensureNamedImage(name: string, timeout: number, context: ImageContext): Promise<Image> {
  const { docker } = context;
  const found = await inspectImage(name, context);
  if (found) return found;
  const answer = await docker(['pull', '--quiet', '--', name], {
    ...limits(context, timeout),
    changes: true,
  });
  if (!answer.ok) {
    const operation = `pull the image ${name}, which is not here`;
    const error = asStepError(dockerError(answer, { operation }), { fallbackKind: 'image' });
    const { kind, inDoubt, message } = error;
    throw new StepError(kind, `${message}. Check its name, or build it here first`, { inDoubt });
  }
  const pulled = await inspectImage(name, context);
  if (!pulled) throw new StepError('image', `the image ${name} went away after it was pulled`);
  return pulled;
}
