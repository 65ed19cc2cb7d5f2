import { createActor, fromPromise } from 'xstate';
import type { StepInput } from '../../machines/agent-types.ts';
import { flowMachine } from '../../machines/flow.ts';
import type { End, EndRecord } from '../../machines/outcome.ts';
import { agentIn } from '../actors/provide.ts';
import type { World } from '../actors/world.ts';
import type { Docker } from '../docker/cli.ts';
import { containers as containersOf } from '../docker/containers.ts';
import type { EngineInfo } from '../docker/engine-info.ts';
import { label } from '../docker/labels.ts';
import { unrecorded } from '../docker/recorder.ts';
import { isRunsOwn, proxyNames } from '../docker/run-names.ts';
import type { Watcher } from '../docker/watch.ts';
import { FlowError } from '../errors.ts';
import type { Seals } from '../secrets/seals.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { systemClock } from './clock.ts';
import { blankRecord } from './record.ts';
import { redactor } from './redact.ts';
import { cloneSteps, protectSteps, savingSteps } from './rehearse-workspace.ts';
import { rehearsedDocker, type Step } from './rehearsed-docker.ts';
import { newRunId, type StateDir } from './state-dir.ts';
import { sweep } from './sweep.ts';
import type { Vault } from './vault.ts';
import { createWorld } from './world.ts';

export interface Rehearsal {
  readonly runId: string;
  readonly steps: readonly Step[];
  /** The ids that were made up, and the name that the step which would print them gives them. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * Goes through a flow with the machines and actors of a real run, one agent at a time, each of which succeeds; but
 * what changes anything is noted instead of done. What only looks goes to `docker`, where there is an engine.
 */
export async function rehearse(
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
): Promise<Rehearsal> {
  const folder = stateDir.run(newRunId());
  const steps: Step[] = [];
  const names = new Map<string, string>();
  const { docker, made } = rehearsedDocker(steps, names, real);
  const world: World = createWorld({
    plan,
    stateDir,
    folder,
    secret: folder.runId,
    docker,
    containers: containersOf(docker),
    recorder: unrecorded,
    watcher: nobodyEnds,
    engine,
    gate: work => work(),
    vault: namesOnly,
    seals: nothingSealed,
    clock: systemClock,
    record: () => blankRecord,
    attempts: () => [],
    commits,
    writablePlaces: [],
    hurry: () => new AbortController().signal,
    tell: async () => {},
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
  const agent = agentIn(world).provide({
    actors: {
      watch: fromPromise<End | 'overdue', StepInput>(async ({ input }) => {
        steps.push({ agent: input.name, args: ['wait', input.containerId!], expects: '0' });
        return { exitCode: 0, oomKilled: false, how: 'died', at: 0 };
      }),
      collect: fromPromise<{ record: EndRecord | null }, StepInput>(async ({ input, signal }) => {
        steps.push({ agent: input.name, args: ['logs', input.containerId!] });
        const { network } = world.plan(input.name);
        if (network.mode === 'allow')
          steps.push({ agent: input.name, args: ['logs', proxyNames(folder.runId, network.hosts).proxy] });
        steps.push(...(await savingSteps(world, input, signal)));
        return { record: { how: 'exit', code: 0, oomKills: 0 } };
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
  look: () => {},
  answers: async () => {},
  closed: Promise.resolve(),
};
