import { join } from 'node:path';
import type { BuildPlan } from '../spec/plan.ts';
import { buildImage } from './build.ts';
import { tagOf } from './content.ts';
import type { ImageContext } from './inspect.ts';
import { buildArgs, type SourceImage } from './layer.ts';

/** Run the spec's `build`, always: only the builder can detect changes, and it is quick if there are none. */
export async function buildFromSpec(
  plan: BuildPlan,
  timeout: number,
  context: ImageContext,
): Promise<SourceImage> {
  const { context: folder, dockerfile, target } = plan;
  const sorted = Object.entries(plan.args).sort(([a], [b]) => (a < b ? -1 : 1));
  const name = `tmux-agents-build:${tagOf(JSON.stringify([folder, dockerfile, sorted, target]))}`;
  const args = [
    `--file=${join(folder, dockerfile)}`,
    ...buildArgs(plan.args),
    ...(target === null ? [] : [`--target=${target}`]),
  ];
  const operation = `build the image of ${join(folder, dockerfile)}`;
  return {
    name,
    image: await buildImage({ tag: name, kind: 'build', operation, folder, args, timeout }, context),
  };
}
