import type { StepInput } from '../../machines/agent-types.ts';
import type { FailureKind } from '../../machines/outcome.ts';
import { StepError } from '../../machines/step-error.ts';
import { dockerError, unsaid } from '../docker/errors.ts';
import { owner, type World } from './world.ts';

/** Starts a container that has never run. Starting one that has ended would be a second life, so doubt asks first. */
export async function startContainer(world: World, input: StepInput, signal: AbortSignal): Promise<void> {
  const { clock, containers, docker } = world;
  const id = input.containerId!;
  if (input.uncertain) {
    const [found] = await containers.inspect([id], { signal, owner: owner(input) });
    if (found && found.state !== 'created') return;
  }
  await copyIn(world, input, signal);
  // Docker looks at the sources of mounts only now, and follows what it finds there.
  const unfit = world.unfit(input.name);
  if (unfit !== null) throw new StepError('workspace', unfit, { at: clock.now() });
  const answer = await docker(['start', id], {
    signal,
    owner: owner(input),
    changes: true,
    timeout: 120_000,
  });
  if (answer.ok && answer.stdout.trim() === id) return;
  if (answer.ok) throw unsaid('docker start', 'start the container', clock.now());
  const lacksCommands =
    /exec: "?agent-init"?|agent-init: (no such|not found)|executable file not found/i.test(answer.stderr);
  throw dockerError(answer, {
    doing: 'start the container',
    at: clock.now(),
    otherwise: lacksCommands ? 'image' : (lost.find(([, said]) => said.test(answer.stderr))?.[0] ?? 'docker'),
  });
}

export const copyInto = (path: string, id: string) => ['cp', `${path}/.`, `${id}:/workspace`];

/** Just before the start, so that nobody starts without: copying twice makes no difference. */
async function copyIn({ clock, docker, plan }: World, input: StepInput, signal: AbortSignal): Promise<void> {
  const { workspace } = plan(input.name);
  if (workspace.mode !== 'copy') return;
  const args = copyInto(workspace.path, input.containerId!);
  const answer = await docker(args, { signal, owner: owner(input), changes: true, timeout: 10 * 60_000 });
  if (!answer.ok)
    throw dockerError(answer, { doing: `copy ${workspace.path} into the container`, at: clock.now() });
}

/** What somebody has taken away between our create and our start. */
const lost: readonly (readonly [FailureKind, RegExp])[] = [
  ['network', /network .* not found/i],
  ['infrastructure', /no such container/i],
];
