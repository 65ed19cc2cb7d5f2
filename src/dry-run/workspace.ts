import { join } from 'node:path';
import type { StepInput } from '../../machines/agent-types.ts';
import { collectJob } from '../actors/collect-clone.ts';
import { type ActorContext, owner as ownerOf } from '../actors/context.ts';
import { exportJob } from '../actors/export-path.ts';
import { helperOf } from '../actors/helper-job.ts';
import { type CloneRequest, cloneJob } from '../actors/make-clone.ts';
import { artifactOut, mountedWorkspace } from '../actors/save-artifacts.ts';
import { copyOut } from '../actors/save-copy.ts';
import { workRefs } from '../actors/workspace.ts';
import { type Helper, helperArgs, helperName } from '../agent-container/helper.ts';
import type { CallScope } from '../docker/recorder.ts';
import { type ProtectedPath, protectedGitPaths } from '../workspace/protected-git.ts';
import { findRepository } from '../workspace/repository.ts';
import type { Step } from './recording.ts';

/** What makes a clone: a helper container. */
export async function cloneSteps(
  world: ActorContext,
  owner: CallScope,
  request: CloneRequest,
  signal: AbortSignal,
): Promise<Step[]> {
  const repository = findRepository(request.repository);
  if ('problem' in repository) throw new Error(repository.problem);
  const usual = { name: 'agent-flow', email: 'agent-flow@agents.invalid', ignored: '-' };
  const job = cloneJob(world, request, repository, request.target, usual);
  return [
    { agent: owner.agent, program: 'mkdir', args: ['-p', request.target] },
    ...helperSteps(helperOf(world, owner, job, await world.helperImage(signal))),
  ];
}

/** What copies the parts of a bound repository that are read-only in the container. */
export function protectSteps(
  world: ActorContext,
  { agent, attempt }: CallScope,
): { protectedPaths: ProtectedPath[]; steps: Step[] } {
  const { workspace } = world.plan(agent);
  if (workspace.mode !== 'bind' || world.isShared(agent)) return { protectedPaths: [], steps: [] };
  const folder = join(world.folder(agent, attempt), 'protected');
  const protectedPaths = protectedGitPaths(workspace.path).map((path, index) => ({
    path,
    snapshot: join(folder, String(index)),
  }));
  const copies = protectedPaths.map(({ path, snapshot }) => ({
    agent,
    program: 'cp' as const,
    args: ['-r', '--', join(workspace.path, path), snapshot],
  }));
  const making = copies.length === 0 ? [] : [{ agent, program: 'mkdir' as const, args: ['-p', folder] }];
  return { protectedPaths, steps: [...making, ...copies] };
}

/** What saves the work of an agent: artifacts, then what is in its clone or copy. */
export async function savingSteps(
  world: ActorContext,
  input: StepInput,
  signal: AbortSignal,
): Promise<Step[]> {
  const { name: agent, attempt } = input;
  const owner = ownerOf(input);
  const { workspace } = world.plan(agent);
  const steps = await artifactSteps(world, input, signal);
  if (workspace.mode === 'copy')
    steps.push(
      { agent, program: 'mkdir', args: ['-p', join(world.folder(agent, attempt), 'workspace')] },
      { agent, args: copyOut(input.containerId!).with(-1, join(world.folder(agent, attempt), 'workspace')) },
    );
  const base = world.base(agent);
  if (workspace.mode !== 'clone' || 'fault' in base) return steps;
  const image = await world.helperImage(signal);
  const place = workRefs(world.identity(agent, attempt).runId, agent, attempt);
  const collect = collectJob(world, owner, { ...place, base: base.commit });
  return [
    ...steps,
    { agent, program: 'mkdir', args: ['-p', collect.mounts.at(-1)!.source] },
    ...helperSteps(helperOf(world, owner, collect, image)),
  ];
}

async function artifactSteps(world: ActorContext, input: StepInput, signal: AbortSignal): Promise<Step[]> {
  const { name: agent, attempt } = input;
  const { artifacts } = world.plan(agent);
  if (artifacts.length === 0) return [];
  const root = join(world.folder(agent, attempt), 'artifacts');
  const folder = mountedWorkspace(world, input);
  const making: Step = { agent, program: 'mkdir', args: ['-p', root] };
  if (folder === null)
    return [
      making,
      ...artifacts.map(({ path }) => ({ agent, args: artifactOut(input.containerId!, path).with(-1, root) })),
    ];
  const image = await world.helperImage(signal);
  return [
    making,
    ...artifacts.flatMap(({ path }) =>
      helperSteps(helperOf(world, ownerOf(input), exportJob({ folder, path }), image)).map(step =>
        step.args[0] === 'start' ? { ...step, unpacks: root } : step,
      ),
    ),
  ];
}

function helperSteps(helper: Helper): Step[] {
  const { agent } = helper.owner;
  const name = helperName(helper);
  return [
    { agent, args: helperArgs(helper) },
    { agent, args: ['start', '--attach', name] },
    { agent, args: ['rm', '--force', '--volumes', name] },
  ];
}
