import { join } from 'node:path';
import type { StepInput } from '../../machines/agent-types.ts';
import { collectJob } from '../actors/collect-job.ts';
import { type ActorContext, owner as ownerOf } from '../actors/context.ts';
import { exportJob } from '../actors/export-path.ts';
import { helperOf } from '../actors/helper-job.ts';
import { type CloneRequest, cloneJob } from '../actors/make-clone.ts';
import { artifactOut, mountedWorkspace } from '../actors/save-artifacts.ts';
import { copyOut } from '../actors/save-copy.ts';
import { branchOf, workRefs } from '../actors/workspace.ts';
import { checkArgs, checkName } from '../agent-container/check-args.ts';
import { type Helper, helperArgs, helperName } from '../agent-container/helper.ts';
import type { CallScope } from '../docker/recorder.ts';
import { type ProtectedPath, protectedGitPaths } from '../workspace/protected-git.ts';
import { findRepository } from '../workspace/repository.ts';
import type { Step } from './recording.ts';

/** Return the steps that make a clone in a helper container. */
export async function cloneSteps(
  context: ActorContext,
  owner: CallScope,
  request: CloneRequest,
  signal: AbortSignal,
): Promise<Step[]> {
  const repository = findRepository(request.repository);
  if ('problem' in repository) throw new Error(repository.problem);
  const defaults = { name: 'agent-flow', email: 'agent-flow@agents.invalid', ignored: '-' };
  const job = cloneJob(context, request, repository, request.target, defaults);
  return [
    { agent: owner.agent, program: 'mkdir', args: ['-p', request.target] },
    ...helperSteps(helperOf(context, owner, job, await context.helperImage(signal))),
  ];
}

/** Return the steps that copy the read-only parts of a bound repository. */
export function protectSteps(
  context: ActorContext,
  { agent, attempt }: CallScope,
): { protectedPaths: ProtectedPath[]; steps: Step[] } {
  const { workspace } = context.plan(agent);
  if (workspace.mode !== 'bind' || context.isShared(agent)) return { protectedPaths: [], steps: [] };
  const folder = join(context.folder(agent, attempt), 'protected');
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

/** Return the steps that save an agent's artifacts, then its clone or copy. */
export async function savingSteps(
  context: ActorContext,
  input: StepInput,
  signal: AbortSignal,
): Promise<Step[]> {
  const { name: agent, attempt } = input;
  const owner = ownerOf(input);
  const { workspace } = context.plan(agent);
  const steps = await artifactSteps(context, input, signal);
  if (workspace.mode === 'copy')
    steps.push(
      { agent, program: 'mkdir', args: ['-p', join(context.folder(agent, attempt), 'workspace')] },
      {
        agent,
        args: copyOut(input.containerId!).with(-1, join(context.folder(agent, attempt), 'workspace')),
      },
    );
  const base = context.originCommit(agent);
  if (workspace.mode !== 'clone' || 'problem' in base) return steps;
  const image = await context.helperImage(signal);
  const place = workRefs(context.identity(agent, attempt).runId, agent, attempt);
  const clone = context.clone(agent, attempt)!;
  const out = join(context.folder(agent, attempt), 'out');
  const collect = collectJob(owner, { ...place, base: base.commit }, { clone, out, spare: null });
  return [
    ...steps,
    { agent, program: 'mkdir', args: ['-p', out] },
    ...helperSteps(helperOf(context, owner, collect, image)),
  ];
}

async function artifactSteps(context: ActorContext, input: StepInput, signal: AbortSignal): Promise<Step[]> {
  const { name: agent, attempt } = input;
  const { artifacts } = context.plan(agent);
  if (artifacts.length === 0) return [];
  const root = join(context.folder(agent, attempt), 'artifacts');
  const folder = mountedWorkspace(context, input);
  const making: Step = { agent, program: 'mkdir', args: ['-p', root] };
  if (folder === null)
    return [
      making,
      ...artifacts.map(({ path }) => ({ agent, args: artifactOut(input.containerId!, path).with(-1, root) })),
    ];
  const image = await context.helperImage(signal);
  return [
    making,
    ...artifacts.flatMap(({ path }) =>
      helperSteps(helperOf(context, ownerOf(input), exportJob({ folder, path }), image)).map(step =>
        step.args[0] === 'start' ? { ...step, unpacks: root } : step,
      ),
    ),
  ];
}

/** Return the steps of a check, on a copy of the work. The protected files are replaced on the way, which no command shows. */
export async function checkSteps(
  context: ActorContext,
  input: StepInput,
  signal: AbortSignal,
): Promise<Step[]> {
  const { name: agent, attempt } = input;
  const plan = context.plan(agent);
  const { check, workspace } = plan;
  if (check === undefined || workspace.mode === 'none') return [];
  const identity = context.identity(agent, attempt);
  const name = checkName(identity.runId, agent, attempt);
  const image = await context.image(agent, signal);
  const args = checkArgs({ ...plan, check }, { identity, round: 1, image, limits: context.engine });
  const saved = join(context.folder(agent, attempt), workspace.mode === 'clone' ? 'check' : 'workspace');
  const base = context.originCommit(agent);
  const cloning =
    workspace.mode === 'clone' && 'commit' in base
      ? await cloneSteps(
          context,
          ownerOf(input),
          {
            ...{ repository: workspace.repository, commit: base.commit, target: saved },
            branch: branchOf(identity.runId, agent),
          },
          signal,
        )
      : [];
  const source = workspace.mode === 'bind' ? workspace.path : saved;
  return [
    ...cloning,
    { agent, args },
    { agent, args: ['cp', `${source}/.`, `${name}:/workspace`] },
    { agent, args: ['start', name] },
    { agent, args: ['wait', name], expects: '0' },
    { agent, args: ['logs', name] },
    { agent, args: ['rm', '--force', '--volumes', name] },
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
