import { createHash } from 'node:crypto';
import { StepError } from '../../machines/step-error.ts';
import { misplacedMount, protectGit } from '../actors/bound-git.ts';
import type {
  ActorContext,
  AgentPort,
  DockerPort,
  HostPort,
  JournalPort,
  RepositorySource,
  TimePort,
  WorkspacePort,
} from '../actors/context.ts';
import { makeClone } from '../actors/make-clone.ts';
import { makeVolumeClone } from '../actors/make-volume-clone.ts';
import { keepProtected } from '../actors/protected-files.ts';
import { sendRepository } from '../actors/sent-repository.ts';
import { memoizeAsync } from '../async/memoize.ts';
import { raceAbort } from '../async/race-abort.ts';
import type { HostPlan } from '../connection/run-hosts.ts';
import type { CallScope } from '../docker/recorder.ts';
import type { SwarmNetworks } from '../networks/swarm-networks.ts';
import { livePlaces } from '../preflight/check-mounts.ts';
import { findMountProblem } from '../preflight/mount-problem.ts';
import { sharedWorkspaces } from '../preflight/shared-workspace.ts';
import { writablePlaces } from '../preflight/writable-mounts.ts';
import { providersOf } from '../providers/catalogue.ts';
import { type Seals, sealsOf } from '../secrets/seals.ts';
import type { Vault } from '../secrets/vault.ts';
import { fillInputs, unfilled } from '../spec/fill-inputs.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { correctionBefore } from '../state/corrections.ts';
import { roundsOf } from '../state/rounds.ts';
import { globalGitSetting } from '../workspace/git.ts';
import { budgetPort } from './budget-port.ts';
import { clonesOf } from './clones.ts';
import { provision } from './provision.ts';
import { reconcileAgents } from './reconcile-agents.ts';
import type { RunOnDisk } from './run-on-disk.ts';
import type { RunTracker } from './track-run.ts';

export interface ActorContextOptions {
  readonly run: RunOnDisk;
  /** The host of these ports; default: the engine of the run, with all of its agents. */
  readonly host?: HostPlan;
  /** The networks of the Docker Swarm that places the agents; default: it places none. */
  readonly swarmNetworks?: SwarmNetworks;
  /** False for a run that begins. */
  readonly isResumed: boolean;
  readonly docker: DockerPort;
  readonly time: TimePort;
  readonly vault: Vault;
  readonly tracker: Pick<RunTracker, 'record' | 'attempts' | 'spending' | 'outputSize'>;
  readonly emit: JournalPort['emit'];
  /** Halt the run: an action that cannot be recorded must not be performed. */
  readonly halt: (error: Error) => void;
  /** Replace the ports that write on the host, for a dry run. */
  readonly dryRun?: DryRunPorts;
  /** Ends everything that all agents share, such as a build. */
  readonly signal: AbortSignal;
}

interface DryRunPorts extends Pick<WorkspacePort, 'makeClone' | 'protectGit' | 'keepProtected'> {
  readonly seals: Seals;
}

/** Create the ports that the actors of one run share. */
export function createActorContext(options: ActorContextOptions): ActorContext {
  const { run, swarmNetworks = null, isResumed, docker, time, vault, tracker, dryRun, signal } = options;
  const host = options.host ?? { title: null, plan: run.plan, exposed: [] };
  const { clock } = time;
  const agents = agentsOf(options);
  const seals = dryRun?.seals ?? sealsOfRun(options, agents);
  const { runId } = run.folder;
  const { containers } = docker;
  const isScheduled = run.plan.target?.isSwarm ?? false;
  const reconcile = { runId, isScheduled, isResumed, containers, seals, clock, record: tracker.record };
  const context: ActorContext = {
    ...time,
    ...docker,
    ...agents,
    reconcile: reconcileAgents({ ...reconcile, agents, signal }),
    ...provision({
      ...{ run, host, port: docker, agents, vault, swarmNetworks, signal },
      isDryRun: dryRun !== undefined,
    }),
    ...clonesOf({ ...run, attempts: tracker.attempts }),
    // A process for each agent would take its time.
    gitSetting: memoizeAsync(globalGitSetting),
    makeClone: (owner, request, stop) =>
      (context.hasOtherFiles ? makeVolumeClone : makeClone)(context, owner, request, stop),
    sentRepository: sentRepositories((owner, source) => sendRepository(context, owner, source, signal)),
    protectGit: owner => protectGit(context, owner),
    keepProtected: (input, stop) => keepProtected(context, input, stop),
    ...dryRun,
    ...hostOf(options, agents, (agent, attempt) => misplacedMount(context, { agent, attempt })),
    vault,
    seals,
    ...journalOf(options),
    ...budgetPort({ ...agents, ...tracker, maxUsd: run.plan.maxUsd, emit: options.emit }),
  };
  return context;
}

/** Send each repository once, for all agents that start from the same commit of it. */
function sentRepositories(
  send: (owner: CallScope, source: RepositorySource) => Promise<string>,
): WorkspacePort['sentRepository'] {
  const sources = new Map<string, { owner: CallScope; source: RepositorySource }>();
  const sendOnce = memoizeAsync(key => {
    const { owner, source } = sources.get(key)!;
    return send(owner, source);
  });
  return (owner, source, stop) => {
    const key = JSON.stringify([source.repository, source.commit]);
    sources.set(key, { owner, source });
    return sendOnce(key, stop);
  };
}

/** Identities are derived, so that an action that runs twice finds what its first run made (I3). */
function agentsOf({ run, tracker, dryRun }: ActorContextOptions): Omit<AgentPort, 'reconcile'> {
  const { plan: flow, folder, secret, adopted = {} } = run;
  const { instance } = run.stateDir;
  const plans = new Map<string, AgentPlan>(flow.agents.map(agent => [agent.name, agent]));
  const plan = (name: string) => plans.get(name)!;
  const providers = providersOf(flow);
  return {
    plan,
    provider: agent => providers.get(plan(agent).provider),
    launchedPlan(agent) {
      const own = plan(agent);
      if (own.inputs === undefined) return own;
      const values = tracker.record(agent).inputs;
      if (values !== null) return fillInputs(own, values);
      if (dryRun !== undefined) return unfilled(own);
      throw new StepError('reference', 'the values of its references are not recorded');
    },
    identity: (agent, attempt) => ({
      instance,
      runId: folder.runId,
      attempt,
      specHash: adopted[agent]?.specHash ?? specHashOf(plan(agent)),
      nonce: adopted[agent]?.nonce ?? digest(secret, agent, String(attempt)).slice(0, 24),
    }),
    placeholder(agent, variable) {
      const { placeholder = '' } = plan(agent).secrets.find(({ name }) => name === variable)?.broker ?? {};
      return `${placeholder}${digest(secret, 'broker', agent, variable).slice(0, 48)}`;
    },
    folder: (agent, attempt) => folder.attempt(agent, attempt),
    transcript: (agent, attempt) => folder.transcript(agent, attempt),
  };
}

/** Return the hash that labels the containers of an agent with this plan. */
export const specHashOf = (plan: AgentPlan) => digest(JSON.stringify(plan)).slice(0, 32);

const digest = (...parts: string[]) => createHash('sha256').update(parts.join('\0')).digest('hex');

function sealsOfRun(
  { run: { stateDir, folder, adopted = {} }, docker: { containers }, vault }: ActorContextOptions,
  { plan }: Pick<AgentPort, 'plan'>,
): Seals {
  return sealsOf({
    plan,
    isAdopted: name => adopted[name] !== undefined,
    instance: stateDir.instance,
    runId: folder.runId,
    folder: folder.attempt,
    containers,
    vault,
  });
}

function hostOf(
  { run: { plan, stateDir, folder, hasOtherFiles = false }, docker: { engine }, dryRun }: ActorContextOptions,
  agents: Pick<AgentPort, 'plan'>,
  misplaced: HostPort['mountProblem'],
): HostPort {
  const isShared = sharedWorkspaces(plan);
  const places = () => livePlaces(stateDir, folder);
  const isUsedElsewhere = ({ workspace }: AgentPlan) =>
    workspace.mode === 'bind' && places().includes(workspace.path);
  return {
    hasOtherFiles,
    // The commands of a dry run do not depend on what could change before a real one.
    writablePlaces: dryRun ? [] : writablePlaces(plan).map(({ path }) => path),
    livePlaces: places,
    isShared: agent => isShared(agent) || isUsedElsewhere(agents.plan(agent)),
    mountProblem: (agent, attempt) =>
      findMountProblem(agents.plan(agent), stateDir, engine) ?? misplaced(agent, attempt),
  };
}

/** Characters of all outputs of a run: they stay in memory, and the result has them all. */
const maxOutputSize = 64 * 2 ** 20;

function journalOf({ tracker, emit, halt }: ActorContextOptions): JournalPort {
  return {
    emit,
    savedWork(agent, attempt) {
      const known = tracker.attempts(agent).find(entry => entry.attempt === attempt);
      return known?.isSaved ? known : null;
    },
    outputRoom: () => maxOutputSize - tracker.outputSize(),
    rounds: agent => roundsOf({ attempts: tracker.attempts(agent) }),
    attempts: tracker.attempts,
    correction: (agent, attempt) => correctionBefore(tracker.attempts(agent), attempt),
    isHostLost: (agent, attempt) =>
      tracker.attempts(agent).some(entry => entry.attempt === attempt && entry.error?.kind === 'hostLost'),
    haltUnwritable(error, stop) {
      halt(error);
      return raceAbort(new Promise<never>(() => {}), stop);
    },
  };
}
