import type { DockerAnswer } from '../docker/cli.ts';
import { classify, dockerError } from '../docker/errors.ts';
import { label } from '../docker/labels.ts';
import { type ImageContext, limits } from './inspect.ts';

const probe = 'tmux-agents-probe:latest';

/**
 * Refuses an engine that has no GPUs for containers. Nothing that it says of itself tells: only a start does. An empty
 * image is enough, since the engine looks for its GPUs before it looks for the program.
 */
export async function checkGpus(context: ImageContext): Promise<void> {
  const { docker } = context;
  const options = { ...limits(context, 60_000), changes: true };
  const recipe = `FROM scratch\nLABEL ${label.image}=gpu\n`;
  const built = await docker(['build', `--tag=${probe}`, '-'], { ...options, input: recipe });
  // Where the question cannot be asked, the agent's own start answers it.
  if (!built.ok) return;
  const answer: DockerAnswer = await docker(
    ['run', '--rm', '--pull=never', '--network=none', '--gpus=all', '--entrypoint=/none', probe],
    options,
  );
  await docker(['rmi', probe], options);
  if (classify(answer) === 'gpu') throw dockerError(answer, { operation: 'give the agent a GPU' });
}
