import type { StepInput } from '../../machines/agent-types.ts';
import { StepError } from '../../machines/step-error.ts';
import { dockerError } from '../docker/errors.ts';
import { owner, type World } from './world.ts';

/** Waits until the session takes keys. The waiting is done inside the container, by one command. */
export async function waitForTmux(world: World, input: StepInput, signal: AbortSignal): Promise<void> {
  const { clock, docker } = world;
  const { ready } = world.plan(input.name).timeouts;
  const seconds = Math.max(1, Math.ceil(ready / 1000));
  const answer = await docker(['exec', input.containerId!, 'agent-ready', String(seconds)], {
    signal,
    owner: owner(input),
    timeout: ready + 15_000,
  });
  if (answer.ok) return;
  if (/is not running|no such container/i.test(answer.stderr))
    throw new StepError('infrastructure', 'the container ended before its tmux session was up', {
      at: clock.now(),
    });
  const error = dockerError(answer, {
    doing: 'reach the tmux session',
    at: clock.now(),
    otherwise: 'timeout',
  });
  throw answer.cutOff === 'timeout' ? new StepError('timeout', error.message, { at: clock.now() }) : error;
}
