import { join } from 'node:path';
import * as z from 'zod';
import { StepError } from '../../machines/step-error.ts';
import { raceAbort, singleFlight } from '../docker/single-flight.ts';
import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import { readFile, statFile } from '../store/state-files.ts';
import { writeFileAtomic } from '../store/write-file-atomic.ts';
import { identitiesAbove, identityOf, realPath } from './containment.ts';
import { type NamedPath, writablePlaces } from './writable-mounts.ts';

/**
 * Return the agents whose build reads what some agent of the flow, or of another, can write. Otherwise an agent could rewrite the
 * Dockerfile that is built next, outside of its container and with a network.
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

/** The result of each exposed build by its wish: the id of the image, or the reason of the failure. */
const record = z.record(
  z.string(),
  z.union([z.strictObject({ image: z.string() }), z.strictObject({ failure: z.string() })]),
);
type BuildRecord = z.output<typeof record>;

export interface ExposedBuildsOptions {
  readonly wishes: readonly string[];
  /** The file that records them; null for a dry run. */
  readonly file: string | null;
  readonly build: (wish: string) => Promise<string>;
  readonly exists: (image: string) => Promise<boolean>;
}

/**
 * Build all exposed images before any agent of the run gets an image, hence before one can write, and never again: the
 * record is on disk first. The returned function resolves with null for an image that is not exposed.
 */
export function buildExposed({ wishes, file, build, exists }: ExposedBuildsOptions) {
  const refuse = (message: string) => new StepError('image', message);
  const known = (): BuildRecord | null =>
    file !== null && statFile(file) ? record.parse(JSON.parse(readFile(file).toString())) : null;

  const settled = singleFlight(async () => {
    const before = known();
    if (before !== null) return before;
    const built = await Promise.all(
      wishes.map(async wish => [wish, await build(wish).then(image => ({ image }), failureOf)] as const),
    );
    const all: BuildRecord = Object.fromEntries(built);
    if (file !== null) writeFileAtomic(file, `${JSON.stringify(all, null, 2)}\n`);
    return all;
  });
  const checked = singleFlight(async image => {
    if (!(await exists(image)))
      throw refuse(
        `the image ${image} was removed since the run began, and its build context is where agents can write, so it is not built again. Start the run anew`,
      );
    return image;
  });

  return async (wish: string, signal: AbortSignal): Promise<string | null> => {
    if (wishes.length === 0) return null;
    const found = (await settled('', signal))[wish];
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
