import { createActor, fromPromise } from 'xstate';
import type { AgentInput, StepInput } from '../../machines/agent-types.ts';
import { approvalMachine } from '../../machines/approval.ts';
import type { RequestedApproval } from '../../machines/approval-types.ts';
import type { CheckResult } from '../../machines/check.ts';
import { flowMachine } from '../../machines/flow.ts';
import type { ConditionInput, ConditionResult } from '../../machines/flow-dependencies.ts';
import type { End, EndRecord } from '../../machines/outcome.ts';
import type { ActorContext } from '../actors/context.ts';
import { provideActors, type SchedulerPort } from '../actors/provide.ts';
import { isOnRunsOwn, proxyOf } from '../agent-container/names.ts';
import type { Docker } from '../docker/cli.ts';
import type { EngineInfo } from '../docker/engine-info.ts';
import { label } from '../docker/labels.ts';
import { FlowError } from '../errors.ts';
import { listRunNetworks, removeRunNetwork } from '../networks/run-networks.ts';
import { sweep } from '../run/sweep.ts';
import { hasContainer, isForEach, itemOf, type MemberPlan, membersOf } from '../spec/members.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { newRunId, type StateDir } from '../store/state-directory.ts';
import { itemName } from '../text/item-name.ts';
import type { Step } from './recording.ts';
import { recordingContext } from './recording-context.ts';
import { type RecordingDocker, recordingDocker } from './recording-docker.ts';
import { recordingScheduler } from './recording-scheduler.ts';
import { checkSteps, savingSteps } from './workspace.ts';

export interface DryRun {
  readonly runId: string;
  readonly steps: readonly Step[];
  /** Invented ids by the name of the variable that the step which would print them gives them. */
  readonly names: ReadonlyMap<string, string>;
}

export interface DryRunOptions {
  readonly stateDir: StateDir;
  /** Serves the calls that only read; null without an engine. */
  readonly docker: Docker | null;
  readonly engine: EngineInfo;
  readonly commits: Readonly<Record<string, string>>;
}

/**
 * Run a flow with the machines and actors of a real run, one agent at a time, each of which succeeds. Calls that would
 * change anything are recorded in place of being made.
 */
export async function dryRun(plan: FlowPlan, options: DryRunOptions): Promise<DryRun> {
  const folder = options.stateDir.run(newRunId());
  const steps: Step[] = [];
  const names = new Map<string, string>();
  const recording = recordingDocker(steps, names, options.docker);
  const context = recordingContext({ ...options, plan, folder, steps, docker: recording.docker });
  const owner = { instance: options.stateDir.instance, runId: folder.runId };
  const scheduler = plan.target?.isSwarm ? recordingScheduler(context, { owner, steps }) : null;
  await runMachines(plan, { context, scheduler }, steps);
  if (plan.agents.some(agent => isOnRunsOwn(agent, folder.runId) || proxyOf(agent, folder.runId)))
    await sweepRun(folder.runId, options.stateDir, recording);
  return { runId: folder.runId, steps, names };
}

async function runMachines(
  plan: FlowPlan,
  { context, scheduler }: { readonly context: ActorContext; readonly scheduler: SchedulerPort | null },
  steps: Step[],
): Promise<void> {
  const ports = { contextOf: () => context, clock: context.clock, scheduler };
  const agent = provideActors(ports).provide({ actors: succeedingActors(context, steps) });
  const actors = { agent, approval: grantedApproval, condition: oneItem };
  const flow = createActor(flowMachine.provide({ actors }), {
    input: {
      // The commands of every agent are recorded, whatever it needs of others.
      agents: shownOf(plan).map(member => ({
        ...(hasContainer(member)
          ? { ...member, ...firstOf(member), isScheduled: scheduler !== null }
          : withoutContainer(member)),
        dependsOn: member.dependsOn,
        on: Object.fromEntries(member.dependsOn.map(name => [name, 'ended'] as const)),
      })),
      concurrency: 1,
    },
  });
  const done = new Promise<void>((resolve, reject) => {
    flow.subscribe({ complete: resolve, error: reject });
  });
  flow.start();
  await done;
  const agents = Object.values(flow.getSnapshot().output?.agents ?? {});
  const failed = agents.find(({ error }) => error !== null);
  if (failed?.error)
    throw new FlowError(
      `agents.${failed.name}: ${failed.error.message}`,
      failed.error.kind === 'image' ? 1 : 3,
    );
}

/** The commands of the first agent of a list stand for those of all, whose number is not known. */
const shownOf = (plan: FlowPlan) => membersOf(plan).filter(member => (itemOf(member)?.index ?? 1) === 1);

const firstOf = (member: MemberPlan) => {
  const item = itemOf(member);
  return item === undefined ? {} : { itemOf: item.of };
};

const withoutContainer = (member: MemberPlan): AgentInput => ({
  ...(isForEach(member)
    ? { isConditional: true, expandsTo: [itemName(member.name, 1)] }
    : { isApproval: true }),
  ...{ name: member.name, dependsOn: member.dependsOn, retries: 0, keep: 'never' },
});

/** Every list has one item. */
const oneItem = fromPromise<ConditionResult, ConditionInput>(async ({ input: { agent } }) => ({
  ...{ agent, holds: true, size: 1, reason: '' },
}));

/** Every approval is granted. */
const grantedApproval = approvalMachine.provide({
  actors: {
    requestApproval: fromPromise<RequestedApproval, { readonly name: string }>(async () => ({
      until: 0,
      decision: { decision: 'approved', source: 'option', by: null, reason: null },
      cancelled: false,
    })),
  },
});

/** Every container exits with 0, and its output is the end record of a success. */
const succeedingActors = (context: ActorContext, steps: Step[]) => ({
  watch: fromPromise<End | 'overdue', StepInput>(async ({ input }) => {
    steps.push({ agent: input.name, args: ['wait', input.containerId!], expects: '0' });
    return { exitCode: 0, oomKilled: false, reason: 'died', at: 0 };
  }),
  collect: fromPromise<{ record: EndRecord | null }, StepInput>(async ({ input, signal }) => {
    steps.push({ agent: input.name, args: ['logs', input.containerId!] });
    const plan = context.plan(input.name);
    const { runId } = context.identity(input.name, input.attempt);
    if (plan.network.mode === 'allow')
      steps.push({ agent: input.name, args: ['logs', proxyOf(plan, runId)!.proxy] });
    steps.push(...(await savingSteps(context, input, signal)));
    return { record: { reason: 'exit', code: 0, oomKills: 0 } };
  }),
  check: fromPromise<CheckResult, StepInput>(async ({ input, signal }) => {
    steps.push(...(await checkSteps(context, input, signal)));
    return { status: 'passed', exitCode: 0, reason: null };
  }),
});

async function sweepRun(runId: string, { instance }: StateDir, { docker, made }: RecordingDocker) {
  const agents = made().filter(({ labels }) => labels[label.role] === 'agent');
  await sweep(docker, {
    instance,
    runId,
    kept: new Set(agents.map(({ id }) => id)),
    hasNetworks: true,
    hasVolumes: false,
    inDoubt: false,
    sleep: async () => {},
  });
  for (const id of await listRunNetworks(docker, 'overlay', { instance, runId }))
    await removeRunNetwork(docker, id);
}
