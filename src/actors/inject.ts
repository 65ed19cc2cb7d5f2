import { createHash } from 'node:crypto';
import type { StepInput } from '../../machines/agent-types.ts';
import { StepError } from '../../machines/step-error.ts';
import { classify, dockerError, unsaid } from '../docker/errors.ts';
import { launchScript } from '../spec/launch.ts';
import { secretsOf } from './secrets.ts';
import { toldEnd } from './told-end.ts';
import { owner, type World } from './world.ts';

/**
 * Hands the launch script to the container, which types one constant line into the session. Asking twice is safe:
 * the container starts its agent once, and says `already` from then on.
 */
export async function inject(
  world: World,
  input: StepInput,
  signal: AbortSignal,
): Promise<{ injectedAt: number }> {
  const { clock, docker } = world;
  const { ready } = world.plan(input.name).timeouts;
  const script = Buffer.from(launchScript(world.plan(input.name), { secrets: secretsOf(world, input.name) }));
  const hash = createHash('sha256').update(script).digest('hex');
  const id = input.containerId!;
  const args = [
    'exec',
    '--interactive',
    id,
    'agent-inject',
    String(input.attempt),
    String(script.length),
    hash,
  ];
  const doing = 'start the agent in its session';
  const injectedAt = clock.now();
  const answer = await docker(args, {
    signal,
    owner: owner(input),
    changes: true,
    input: script,
    timeout: ready + 15_000,
  });
  if (answer.ok && /^(started|already)$/m.test(answer.stdout)) return { injectedAt };

  // An agent may be done before the command that started it has answered: then its end says what happened.
  if (await toldEnd(world, id, signal)) return { injectedAt };
  if (answer.ok) throw unsaid('docker exec agent-inject', doing, clock.now());

  const error = dockerError(answer, {
    doing,
    at: clock.now(),
    otherwise: 'transient',
  });
  if (classify(answer) !== 'docker') throw error;
  throw new StepError('transient', error.message, { at: clock.now(), command: 'docker exec agent-inject' });
}
