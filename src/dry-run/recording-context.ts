import type { ActorContext } from '../actors/context.ts';
import { systemClock } from '../clock.ts';
import type { Docker } from '../docker/cli.ts';
import { containers as containersOf } from '../docker/containers.ts';
import type { EngineInfo } from '../docker/engine-info.ts';
import { nullRecorder } from '../docker/recorder.ts';
import type { Watcher } from '../docker/watch.ts';
import { swarmNetworks } from '../networks/swarm-networks.ts';
import { emptyRecord } from '../recovery/record.ts';
import { createActorContext } from '../run/actor-context.ts';
import { spendingOf } from '../run/budget-port.ts';
import { redactor } from '../secrets/redact.ts';
import type { Seals } from '../secrets/seals.ts';
import type { Vault } from '../secrets/vault.ts';
import type { FlowPlan } from '../spec/plan.ts';
import type { RunFolder, StateDir } from '../store/state-directory.ts';
import type { Step } from './recording.ts';
import { cloneSteps, protectSteps } from './workspace.ts';

export interface RecordingContextOptions {
  readonly plan: FlowPlan;
  readonly stateDir: StateDir;
  readonly folder: RunFolder;
  readonly docker: Docker;
  readonly engine: EngineInfo;
  readonly commits: Readonly<Record<string, string>>;
  /** Grows with what would be done on the host. */
  readonly steps: Step[];
}

/** Create the ports of a run that writes nothing and hands out no secret. */
export function recordingContext(options: RecordingContextOptions): ActorContext {
  const { plan, stateDir, folder, docker, engine, commits, steps } = options;
  const neverAborted = new AbortController().signal;
  const context: ActorContext = createActorContext({
    run: { plan, stateDir, folder, secret: folder.runId, commits },
    ...(plan.target?.isSwarm && { swarmNetworks: networksOf(options, neverAborted) }),
    isResumed: false,
    docker: {
      docker,
      containers: containersOf(docker),
      recorder: nullRecorder,
      watcher: idleWatcher,
      engine,
      limiter: work => work(),
    },
    time: { clock: systemClock, deadlineSignal: () => neverAborted },
    vault: secretNames,
    tracker: {
      record: () => emptyRecord,
      attempts: () => [],
      spending: spendingOf(plan),
      outputSize: () => 0,
    },
    emit: async () => {},
    halt: () => {},
    dryRun: {
      seals: emptySeals,
      async makeClone(owner, request, signal) {
        steps.push(...(await cloneSteps(context, owner, request, signal)));
        return null;
      },
      keepProtected: async () => {},
      async protectGit(owner) {
        const { protectedPaths, steps: copies } = protectSteps(context, owner);
        steps.push(...copies);
        return protectedPaths;
      },
    },
    signal: neverAborted,
  });
  return context;
}

const networksOf = ({ docker, stateDir, folder }: RecordingContextOptions, signal: AbortSignal) =>
  swarmNetworks({
    ...{ docker, instance: stateDir.instance, runId: folder.runId },
    clock: systemClock,
    signal,
  });

/** Has the name of a secret in place of its value: a dry run needs no secret, and prints none. */
const secretNames: Vault = {
  open: ({ secrets }) => ({
    values: Object.fromEntries(secrets.map(({ name }) => [name, `<the secret ${name}>`])),
  }),
  learn: () => {},
  redactor: redactor([]),
};

const emptySeals: Seals = {
  newKey: () => null,
  seal: async () => true,
  unseal: async () => null,
  unsealAll: () => {},
};

const idleWatcher: Watcher = {
  ended: () => Promise.reject(new Error('no container ends in a dry run')),
  checkNow: () => {},
  waitUntilReachable: async () => {},
  closed: Promise.resolve(),
};
