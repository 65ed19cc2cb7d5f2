import { classify, dockerError } from '../docker/classify-error.ts';
import type { DockerResult } from '../docker/cli.ts';
import { label } from '../docker/labels.ts';
import { type ImageContext, limits } from './inspect.ts';

const probe = 'tmux-agents-probe:latest';

/**
 * Throw if the engine has no GPUs for containers. The engine does not report them, so a container is started. An empty image
 * suffices, since the engine resolves GPUs before it looks for the program.
 */
export async function checkGpus(context: ImageContext): Promise<void> {
  const { docker } = context;
  const options = { ...limits(context, 60_000), isMutation: true };
  const recipe = `FROM scratch\nLABEL ${label.image}=gpu\n`;
  const built = await docker(['build', `--tag=${probe}`, '-'], { ...options, input: recipe });
  // Without the probe's image the agent's own start decides.
  if (!built.ok) return;
  const result: DockerResult = await docker(
    ['run', '--rm', '--pull=never', '--network=none', '--gpus=all', '--entrypoint=/none', probe],
    options,
  );
  await docker(['rmi', probe], options);
  if (classify(result) === 'gpu') throw dockerError(result, { operation: 'give the agent a GPU' });
}
