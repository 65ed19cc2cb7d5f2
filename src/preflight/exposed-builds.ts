import { join } from 'node:path';
import * as z from 'zod';
import { StepError } from '../../machines/step-error.ts';
import { memoizeAsync } from '../async/memoize.ts';
import { raceAbort } from '../async/race-abort.ts';
import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import { readFile, statFile } from '../store/state-files.ts';
import { writeFileAtomic } from '../store/write-file-atomic.ts';
import { identitiesAbove, identityOf, realPath } from './containment.ts';
import { type NamedPath, writablePlaces } from './writable-mounts.ts';

/**
 * Return the agents whose build reads what an agent of this or another flow can write. An agent could rewrite the
 * Dockerfile, which is built outside of its container and with a network.
 */
export function exposedBuilds(
  plan: FlowPlan,
  writable: readonly NamedPath[] = writablePlaces(plan),
): AgentPlan[] {
  const paths = [...new Set(writable.map(({ path }) => path))];
  const places = new Set(paths.map(path => identityOf(realPath(path))));
  const aroundPlaces = new Set([...places, ...paths.flatMap(identitiesAbove)]);
  const isIn = (path: string) =>
    [identityOf(realPath(path)), ...identitiesAbove(path)].some(id => places.has(id));
  return plan.agents.filter(
    ({ build }) =>
      build !== null &&
      (aroundPlaces.has(identityOf(realPath(build.context))) ||
        isIn(build.context) ||
        isIn(join(build.context, build.dockerfile))),
  );
}

/** The result of each exposed build by its request: the id of the image, or the reason of the failure. */
const record = z.record(
  z.string(),
  z.union([z.strictObject({ image: z.string() }), z.strictObject({ failure: z.string() })]),
);
type BuildRecord = z.output<typeof record>;

export interface ExposedBuildsOptions {
  readonly requests: readonly string[];
  /** The file that records the results; null for a dry run. */
  readonly file: string | null;
  readonly build: (request: string) => Promise<string>;
  readonly exists: (image: string) => Promise<boolean>;
}

/**
 * Build all exposed images once, before any agent of the run gets an image and can write: the record is on disk first. The
 * returned function resolves with null for an image that is not exposed.
 */
export function buildExposed({ requests, file, build, exists }: ExposedBuildsOptions) {
  const refuse = (message: string) => new StepError('image', message);
  const known = (): BuildRecord | null =>
    file !== null && statFile(file) ? record.parse(JSON.parse(readFile(file).toString())) : null;

  const settled = memoizeAsync(async () => {
    const before = known();
    if (before !== null) return before;
    const built = await Promise.all(
      requests.map(
        async request => [request, await build(request).then(image => ({ image }), failureOf)] as const,
      ),
    );
    const all: BuildRecord = Object.fromEntries(built);
    if (file !== null) writeFileAtomic(file, `${JSON.stringify(all, null, 2)}\n`);
    return all;
  });
  const checked = memoizeAsync(async image => {
    if (!(await exists(image)))
      throw refuse(
        `the image ${image} was removed since the run began, and its build context is where agents can write, so it is not built again. Start the run anew`,
      );
    return image;
  });

  return async (request: string, signal: AbortSignal): Promise<string | null> => {
    if (requests.length === 0) return null;
    const found = (await settled('', signal))[request];
    if (found === undefined) return null;
    if ('failure' in found) throw refuse(found.failure);
    return raceAbort(checked(found.image), signal);
  };
}

/** Return a permanent failure. Anything else is thrown and retried by all agents: none has started. */
function failureOf(error: unknown): { failure: string } {
  if (error instanceof StepError && (error.kind === 'image' || error.kind === 'timeout'))
    return { failure: error.message };
  throw error;
}
