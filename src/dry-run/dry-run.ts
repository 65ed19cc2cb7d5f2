import { createActor, fromPromise } from 'xstate';
import type { StepInput } from '../../machines/agent-types.ts';
import { flowMachine } from '../../machines/flow.ts';
import type { End, EndRecord } from '../../machines/outcome.ts';
import type { ActorContext } from '../actors/context.ts';
import { provideActors } from '../actors/provide.ts';
import { isRunsOwn, proxyNames } from '../agent-container/names.ts';
import { systemClock } from '../clock.ts';
import type { Docker } from '../docker/cli.ts';
import { containers as containersOf } from '../docker/containers.ts';
import type { EngineInfo } from '../docker/engine-info.ts';
import { label } from '../docker/labels.ts';
import { nullRecorder } from '../docker/recorder.ts';
import type { Watcher } from '../docker/watch.ts';
import { FlowError } from '../errors.ts';
import { emptyRecord } from '../recovery/record.ts';
import { createActorContext } from '../run/actor-context.ts';
import { sweep } from '../run/sweep.ts';
import { redactor } from '../secrets/redact.ts';
import type { Seals } from '../secrets/seals.ts';
import type { Vault } from '../secrets/vault.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { newRunId, type StateDir } from '../store/state-directory.ts';
import { recordingDocker, type Step } from './recording-docker.ts';
import { cloneSteps, protectSteps, savingSteps } from './workspace.ts';

export interface DryRun {
  readonly runId: string;
  readonly steps: readonly Step[];
  /** The ids that were made up, and the name that the step which would print them gives them. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * Goes through a flow with the machines and actors of a real run, one agent at a time, each of which succeeds; but
 * what changes anything is noted instead of done. What only looks goes to `docker`, where there is an engine.
 */
export async function dryRun(
  plan: FlowPlan,
  {
    stateDir,
    docker: real,
    engine,
    commits,
  }: {
    stateDir: StateDir;
    docker: Docker | null;
    engine: EngineInfo;
    commits: Readonly<Record<string, string>>;
  },
): Promise<DryRun> {
  const folder = stateDir.run(newRunId());
  const steps: Step[] = [];
  const names = new Map<string, string>();
  const { docker, made } = recordingDocker(steps, names, real);
  const world: ActorContext = createActorContext({
    plan,
    stateDir,
    folder,
    secret: folder.runId,
    docker,
    containers: containersOf(docker),
    recorder: nullRecorder,
    watcher: nobodyEnds,
    engine,
    limiter: work => work(),
    vault: namesOnly,
    seals: nothingSealed,
    clock: systemClock,
    record: () => emptyRecord,
    attempts: () => [],
    commits,
    writablePlaces: [],
    deadlineSignal: () => new AbortController().signal,
    emit: async () => {},
    async makeClone(owner, request, signal) {
      steps.push(...(await cloneSteps(world, owner, request, signal)));
      return null;
    },
    async protectGit(owner) {
      const { protectedPaths, steps: copying } = protectSteps(world, owner);
      steps.push(...copying);
      return protectedPaths;
    },
    halt: () => {},
    isDryRun: true,
    signal: new AbortController().signal,
  });
  const agent = provideActors(world).provide({
    actors: {
      watch: fromPromise<End | 'overdue', StepInput>(async ({ input }) => {
        steps.push({ agent: input.name, args: ['wait', input.containerId!], expects: '0' });
        return { exitCode: 0, oomKilled: false, reason: 'died', at: 0 };
      }),
      collect: fromPromise<{ record: EndRecord | null }, StepInput>(async ({ input, signal }) => {
        steps.push({ agent: input.name, args: ['logs', input.containerId!] });
        const { network } = world.plan(input.name);
        if (network.mode === 'allow')
          steps.push({ agent: input.name, args: ['logs', proxyNames(folder.runId, network.hosts).proxy] });
        steps.push(...(await savingSteps(world, input, signal)));
        return { record: { reason: 'exit', code: 0, oomKills: 0 } };
      }),
    },
  });
  const flow = createActor(flowMachine.provide({ actors: { agent } }), {
    input: { agents: plan.agents, concurrency: 1 },
  });
  const over = new Promise<void>((resolve, reject) => {
    flow.subscribe({ complete: resolve, error: reject });
  });
  flow.start();
  await over;
  const failed = Object.values(flow.getSnapshot().output?.agents ?? {}).find(({ error }) => error !== null);
  if (failed?.error)
    throw new FlowError(
      `agents.${failed.name}: ${failed.error.message}`,
      failed.error.kind === 'image' ? 1 : 3,
    );
  if (plan.agents.some(({ network }) => isRunsOwn(network, folder.runId)))
    await sweep(docker, {
      instance: stateDir.instance,
      runId: folder.runId,
      kept: new Set(made().flatMap(({ id, labels }) => (labels[label.role] === 'agent' ? [id] : []))),
      hasNetworks: true,
      isUncertain: false,
      sleep: async () => {},
    });
  return { runId: folder.runId, steps, names };
}

/** A plan can be printed by who has no secret, and shows none. */
const namesOnly: Vault = {
  open: ({ secrets }) => ({
    values: Object.fromEntries(secrets.map(({ name }) => [name, `<the secret ${name}>`])),
  }),
  learn: () => {},
  redactor: redactor([]),
};

/** A dry run hands nothing out. */
const nothingSealed: Seals = {
  newKey: () => null,
  seal: async () => true,
  unseal: async () => null,
  unsealAll: () => {},
};

const nobodyEnds: Watcher = {
  ended: () => Promise.reject(new Error('nothing ends in a rehearsal')),
  checkNow: () => {},
  reachable: async () => {},
  closed: Promise.resolve(),
};
