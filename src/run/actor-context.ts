import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { misplacedMount, protectGit } from '../actors/bound-git.ts';
import type { ActorContext, ConcurrencyLimiter } from '../actors/context.ts';
import { makeClone } from '../actors/make-clone.ts';
import type { Clock } from '../clock.ts';
import type { Docker } from '../docker/cli.ts';
import type { Container, Containers } from '../docker/containers.ts';
import type { EngineInfo } from '../docker/engine-info.ts';
import { containerName, label } from '../docker/labels.ts';
import type { Recorder } from '../docker/recorder.ts';
import { raceAbort, sharedFlight, singleFlight } from '../docker/single-flight.ts';
import type { Watcher } from '../docker/watch.ts';
import { imageBuilder } from '../images/images.ts';
import { inspectImage } from '../images/inspect.ts';
import { runNetworks } from '../networks/networks.ts';
import { packageFolder } from '../package.ts';
import { livePlaces } from '../preflight/check-mounts.ts';
import { buildExposed, exposedBuilds } from '../preflight/exposed-builds.ts';
import { findMountProblem } from '../preflight/mount-problem.ts';
import { sharedWorkspaces } from '../preflight/shared-workspace.ts';
import { writablePlaces } from '../preflight/writable-mounts.ts';
import { type ContainerFact, reconcile } from '../recovery/reconcile.ts';
import { type AgentRecord, isFresh } from '../recovery/record.ts';
import { type Seals, sealsOf } from '../secrets/seals.ts';
import type { Vault } from '../secrets/vault.ts';
import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import type { AttemptState } from '../state/agent-state.ts';
import type { RunFile } from '../store/run-file.ts';
import type { RunFolder, StateDir } from '../store/state-directory.ts';
import { writeFileAtomic } from '../store/write-file-atomic.ts';
import { workspacesOf } from './workspaces.ts';

export interface ActorContextOptions {
  readonly plan: FlowPlan;
  readonly stateDir: StateDir;
  readonly folder: RunFolder;
  /** Random, of this run alone: end records are signed with it. */
  readonly secret: string;
  /** Of agents whose record was lost, by name. */
  readonly adopted?: RunFile['adopted'];
  readonly docker: Docker;
  readonly containers: Containers;
  readonly recorder: Recorder;
  readonly watcher: Watcher;
  readonly engine: EngineInfo;
  readonly limiter: ConcurrencyLimiter;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly record: (agent: string) => AgentRecord;
  /** What is known of the attempts of an agent so far. */
  readonly attempts: (agent: string) => readonly AttemptState[];
  /** The commits that repositories were at when the run began. */
  readonly commits?: RunFile['commits'];
  /** Fires when an agent was cancelled, and has no time left. */
  readonly deadlineSignal: (agent: string) => AbortSignal;
  readonly emit: ActorContext['emit'];
  /** Default: those of the plan. */
  readonly writablePlaces?: readonly string[];
  /** In place of those that write on the host. */
  readonly makeClone?: ActorContext['makeClone'];
  readonly protectGit?: ActorContext['protectGit'];
  readonly seals?: Seals;
  /** Nothing is done, and nothing is written down. */
  readonly isDryRun?: boolean;
  /** Halts the run: what can no longer be kept must not be done. */
  readonly halt: (error: Error) => void;
  /** Ends what is shared by all agents, such as a build. */
  readonly signal: AbortSignal;
}

/** Everything that the actors of one run share. */
export function createActorContext(options: ActorContextOptions): ActorContext {
  const {
    plan,
    stateDir,
    folder,
    secret,
    adopted = {},
    docker,
    containers,
    recorder,
    watcher,
    engine,
    limiter,
    vault,
    clock,
    record,
    signal,
  } = options;
  const { attempts, commits = {}, deadlineSignal, emit } = options;
  const { instance } = stateDir;
  const { runId } = folder;
  const plans = new Map(plan.agents.map(agent => [agent.name, agent]));
  const planOf = (name: string) => plans.get(name)!;
  const digest = (...parts: string[]) => createHash('sha256').update(parts.join('\0')).digest('hex');

  const specHash = (agent: string) =>
    adopted[agent]?.specHash ?? digest(JSON.stringify(planOf(agent))).slice(0, 32);

  const longest = (agents: readonly AgentPlan[]) => Math.max(...agents.map(agent => agent.timeouts.build));
  const source = join(packageFolder, 'docker');
  const keepLog = (name: string, output: string) => writeFileAtomic(join(folder.path, name), output);
  const images = { docker, source, folder: folder.path, keepLog, signal };
  const makeImage = imageBuilder(images, longest(plan.agents));
  const wishOf = ({ image, build, gpus, provider, user }: AgentPlan) =>
    JSON.stringify([image, build, gpus !== null, provider, user]);
  const image = singleFlight(wish => {
    const agents = plan.agents.filter(agent => wishOf(agent) === wish);
    const { image, build, gpus, provider, user } = agents[0]!;
    return makeImage({ image, build, gpus: gpus !== null, provider, user, timeout: longest(agents) });
  });
  const exposedImage = buildExposed({
    wishes: [...new Set(exposedBuilds(plan).map(wishOf))],
    file: options.isDryRun ? null : join(folder.path, 'images.json'),
    build: wish => image(wish, signal),
    exists: async id => (await inspectImage(id, images)) !== null,
  });
  const networks = runNetworks({
    plan: planOf,
    instance,
    runId,
    docker,
    recorder,
    images,
    supportedLimits: engine.supportedLimits,
    buildTimeout: longest(plan.agents),
    signal,
  });
  const helperImage = singleFlight(() =>
    makeImage({
      image: null,
      build: null,
      gpus: false,
      provider: 'command',
      user: null,
      timeout: longest(plan.agents),
    }),
  );
  const { clone, base } = workspacesOf({ plan, folder, commits, attempts });
  const lookUp = sharedFlight(lookNow);
  const start = singleFlight(() => lookUp(signal));
  const lookedAt = new Set<string>();
  const seals =
    options.seals ??
    sealsOf({
      plan: name => plans.get(name),
      isAdopted: name => adopted[name] !== undefined,
      instance,
      runId,
      folder: folder.attempt,
      containers,
      vault,
    });

  /** Containers with the labels of this run, whatever they are called, and those that hold a name of it. */
  async function lookNow(): Promise<Container[]> {
    const prefix = containerName(runId, '', 1).slice(0, -2);
    const all = await containers.list([], { signal });
    const ids = all
      .filter(({ name, labels }) => name.startsWith(prefix) || labels.includes(`${label.runId}=${runId}`))
      .map(({ id }) => id);
    const found = await containers.inspect(ids, { signal });
    // What any of them was given may be in what another one prints.
    seals.unsealAll(found);
    return found;
  }

  const isShared = sharedWorkspaces(plan);
  const isUsedElsewhere = (agent: string) => {
    const { workspace } = planOf(agent);
    return workspace.mode === 'bind' && livePlaces(stateDir, folder).includes(workspace.path);
  };
  const used = new Set<string>();
  const world: ActorContext = {
    clock,
    docker,
    recorder,
    containers,
    watcher,
    engine,
    limiter,
    vault,
    seals,
    plan: planOf,
    async reconcile(agent, stop) {
      const known = record(agent);
      // One look when we begin is for all: of an agent that has done nothing yet it shows all there can be, and of
      // one that we find at work all that has come of it.
      const isFirst = !lookedAt.has(agent);
      const found = isFirst || isFresh(known) ? await start('', stop) : await lookUp(stop);
      lookedAt.add(agent);
      const facts = found.flatMap(container => fact(container, { instance, runId, agent }));
      const { retries, keep } = planOf(agent);
      return reconcile({ retries, keep, specHash: specHash(agent) }, known, facts, clock.now());
    },
    identity: (agent, attempt) => ({
      instance,
      runId,
      attempt,
      specHash: specHash(agent),
      nonce: adopted[agent]?.nonce ?? digest(secret, agent, String(attempt)).slice(0, 24),
    }),
    clone,
    base,
    writablePlaces: options.writablePlaces ?? writablePlaces(plan).map(({ path }) => path),
    livePlaces: () => livePlaces(stateDir, folder),
    isShared: agent => isShared(agent) || isUsedElsewhere(agent),
    firstUse: repository => !used.has(repository) && used.add(repository) !== undefined,
    makeClone: options.makeClone ?? ((owner, request, stop) => makeClone(world, owner, request, stop)),
    protectGit: options.protectGit ?? (owner => protectGit(world, owner)),
    deadlineSignal,
    emit,
    savedWork: (agent, attempt) => {
      const known = attempts(agent).find(entry => entry.attempt === attempt);
      return known?.isSaved ? known : null;
    },
    mountProblem: (agent, attempt) =>
      findMountProblem(planOf(agent), stateDir, engine) ?? misplacedMount(world, { agent, attempt }),
    helperImage: stop => helperImage('', stop),
    folder: (agent, attempt) => folder.attempt(agent, attempt),
    async image(agent, stop) {
      const wish = wishOf(planOf(agent));
      return (await exposedImage(wish, stop)) ?? image(wish, stop);
    },
    networks,
    transcript: (agent, attempt) => folder.transcript(agent, attempt),
    haltUnwritable(error, stop) {
      options.halt(error);
      return raceAbort(new Promise<never>(() => {}), stop);
    },
  };
  return world;
}

/** The container as a fact about one agent; nothing where it has nothing to do with it. */
function fact(
  container: Container,
  { instance, runId, agent }: { instance: string; runId: string; agent: string },
): ContainerFact[] {
  const { id, name, labels, state, exitCode, oomKilled, startedAt, finishedAt } = container;
  const ours =
    labels[label.instance] === instance && labels[label.runId] === runId && labels[label.agent] === agent;
  const prefix = containerName(runId, agent, 1).slice(0, -1);
  const said = ours
    ? (labels[label.attempt] ?? '')
    : name.startsWith(prefix)
      ? name.slice(prefix.length)
      : '';
  // As we write it: what only counts to the same, such as 01, is another name.
  if (!/^[1-9]\d*$/.test(said)) return [];
  const attempt = Number(said);
  const specHash = labels[label.specHash] ?? '';
  return [{ id, ours, attempt, specHash, state, exitCode, oomKilled, startedAt, finishedAt }];
}
