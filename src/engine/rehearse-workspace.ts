import { join } from 'node:path';
import type { StepInput } from '../../machines/agent-types.ts';
import { artifactOut } from '../actors/save-artifacts.ts';
import { helperOf } from '../actors/save-clone.ts';
import { copyOut } from '../actors/save-copy.ts';
import { branchOf } from '../actors/workspace.ts';
import { owner, type World } from '../actors/world.ts';
import { helperArgs, helperName } from '../docker/helper.ts';
import type { CloneWish } from '../workspace/clone.ts';
import type { Step } from './rehearsed-docker.ts';

/** What makes a clone, as far as it takes more than one line to say. */
export function cloneSteps({
  repository,
  commit,
  branch,
  target,
}: CloneWish): (readonly [NonNullable<Step['program']>, readonly string[]])[] {
  return [
    ['git', ['init', '--quiet', '--template=', target]],
    ['git', ['-C', target, 'fetch', '--quiet', repository, `${commit}:refs/heads/${branch}`]],
    ['git', ['-C', target, 'checkout', '--quiet', branch, '--']],
  ];
}

/** What brings the work of an agent home: artifacts, then what is in its clone or copy. */
export async function savingSteps(world: World, input: StepInput, signal: AbortSignal): Promise<Step[]> {
  const { name: agent, attempt } = input;
  const id = input.containerId!;
  const { workspace, artifacts } = world.plan(agent);
  const steps: Step[] = artifacts.map(({ path }) => ({
    agent,
    args: artifactOut(id, path).with(-1, join(world.folder(agent, attempt), 'artifacts')),
  }));
  if (artifacts.length > 0)
    steps.unshift({ agent, program: 'mkdir', args: ['-p', join(world.folder(agent, attempt), 'artifacts')] });
  if (workspace.mode === 'copy')
    steps.push(
      { agent, program: 'mkdir', args: ['-p', join(world.folder(agent, attempt), 'workspace')] },
      { agent, args: copyOut(id).with(-1, join(world.folder(agent, attempt), 'workspace')) },
    );
  const base = world.base(agent);
  if (workspace.mode !== 'clone' || 'fault' in base) return steps;
  const { runId } = world.identity(agent, attempt);
  const image = await world.helperImage(signal);
  const helper = helperOf(world, owner(input), { image, args: ['run', branchOf(runId, agent), base.commit] });
  const name = helperName(runId, owner(input));
  return [
    ...steps,
    { agent, program: 'mkdir', args: ['-p', helper.mounts['/out']!] },
    { agent, args: helperArgs(helper) },
    { agent, args: ['start', '--attach', name] },
    { agent, args: ['rm', '--force', '--volumes', name] },
  ];
}
